"""What was told, held against what is stored."""


def counted(told, stored, seats):
    """What is wrong with a rush, seat by seat."""
    yes = {of["user"]: of["answer"]["receipt"]["rank"] for of in told if of["status"] in (200, 201)}
    return {
        "told_yes": len(yes),
        "stored": len(stored),
        "over": max(0, len(yes) - seats),
        "lost": len(yes.keys() - stored),
        "same_rank": len(yes) - len(set(yes.values())),
        "under": max(0, seats - len(stored)),
        "unanswered": sum(of["status"] not in (200, 201, 409) for of in told),
        "longest_s": max(of["took_us"] for of in told) / 1_000_000,
    }
