//! One fault at a known place.

use log::SHORT_ANSWERS;

use super::world::{Fate, Looking, Owner, World};

/// Ten users ask for four seats of one activity and six of another; one cancels, and the seat goes to another.
fn with_admissions() -> World {
    let world = World::new();
    world.define("bag", 4);
    world.define("hat", 6);
    for user in 0..10 {
        world.request("bag", &format!("user-{user}"), "r1");
        world.request("hat", &format!("user-{user}"), "r1");
    }
    world.cancel("bag", "user-2", 3);
    world.request("bag", "user-9", "r2");
    // The first one's try comes again.
    world.request("bag", "user-0", "r1");
    assert_eq!(world.admitted().len(), 11);
    world
}

fn assert_told(world: &World) {
    assert_eq!(world.entered(), world.admitted());
    assert!(world.admitted().values().all(|seats| *seats == 1));
}

/// Steps an owner into its script, then leaves it behind as a kill does; another goes on from what is kept.
fn killed_at(fates: &[Fate], keeps: bool) -> World {
    let world = with_admissions();
    let mut killed = world.owner("one", keeps, 5);
    killed.script(fates);
    for _ in 0..=fates.len() {
        killed.step();
    }
    drop(killed);
    world.owner("one", true, 100).finish(&world);
    assert_told(&world);
    world
}

#[test]
fn each_admission_counts_once_as_an_enter_and_nothing_else_does() {
    let world = with_admissions();
    world.owner("one", true, 3).finish(&world);
    assert_told(&world);
    assert_eq!(world.events.ends().iter().sum::<u64>(), 11, "none twice");
    // A cancelled seat was entered all the same.
    let whose = ("bag".to_owned(), "user-2".to_owned());
    assert_eq!(world.entered()[&whose], 1);
}

#[test]
fn a_kill_before_an_append_loses_nothing() {
    killed_at(&[Fate::Good, Fate::Refused], true);
}

#[test]
fn a_kill_between_an_append_and_its_acknowledgement_doubles_nothing() {
    let world = killed_at(&[Fate::Good, Fate::Unheard], true);
    assert!(
        world.events.ends().iter().sum::<u64>() > 11,
        "told again, and passed over"
    );
}

#[test]
fn a_kill_amid_an_append_leaves_a_beginning_from_which_the_next_owner_goes_on() {
    for cut in [[0, 1], [1, 0], [2, 1]] {
        killed_at(&[Fate::Cut(cut)], true);
    }
}

#[test]
fn a_kill_between_the_acknowledgement_and_the_position_doubles_nothing() {
    let world = killed_at(&[Fate::Good, Fate::Good], false);
    assert!(world.events.ends().iter().sum::<u64>() > 11);
}

#[test]
fn what_fails_is_told_again_by_the_same_owner_from_the_first_on() {
    let world = with_admissions();
    let mut owner = world.owner("one", true, 4);
    owner.script(&[
        Fate::Refused,
        Fate::Refused,
        Fate::Cut([1, 0]),
        Fate::Unheard,
        Fate::Good,
        Fate::Refused,
    ]);
    owner.finish(&world);
    assert_told(&world);
}

#[test]
fn nothing_is_kept_while_something_waits() {
    let world = with_admissions();
    let mut owner = world.owner("one", true, 100);
    owner.script(&[const { Fate::Unheard }; 5]);
    for _ in 0..5 {
        owner.step();
    }
    let kept = std::fs::read_dir(world.path("one/1")).map_or(0, Iterator::count);
    // A partition without admissions may have its position.
    assert!(kept < 2, "{kept}");
}

#[test]
fn a_position_that_is_lost_or_damaged_has_all_told_again_and_doubles_nothing() {
    let world = with_admissions();
    world.owner("one", true, 100).finish(&world);
    for file in std::fs::read_dir(world.path("one/1")).unwrap() {
        std::fs::write(file.unwrap().path(), b"").unwrap();
    }
    world.owner("one", true, 100).finish(&world);
    world.owner("elsewhere", true, 100).finish(&world);
    assert_eq!(world.events.ends().iter().sum::<u64>(), 33);
    assert_told(&world);
}

#[test]
fn an_owner_that_wakes_beside_the_new_one_changes_nothing() {
    let world = with_admissions();
    let mut zombie = world.owner("one", true, 3);
    zombie.script(&[Fate::Good, Fate::Refused]);
    zombie.step();
    zombie.step();
    world.owner("two", true, 100).finish(&world);
    // It wakes with what it had not got rid of.
    zombie.finish(&world);
    let mut both: [Owner; 2] = [world.owner("one", true, 2), world.owner("two", true, 2)];
    for user in 0..4 {
        world.request("hat", &format!("later-{user}"), "r");
        world.cancel("hat", &format!("user-{user}"), user + 1);
        world.request("hat", &format!("again-{user}"), "r");
        both.iter_mut().for_each(Owner::step);
    }
    both.iter_mut().for_each(|owner| owner.finish(&world));
    assert_told(&world);
}

#[test]
fn a_topic_made_anew_halts_its_partitions_and_names_the_setting() {
    let world = with_admissions();
    world.owner("one", true, 100).finish(&world);
    world.entries.clear();
    world.define("other", 1);
    for number in 0..40 {
        for activity in ["bag", "hat"] {
            world.request(activity, &format!("new-{number}"), "r");
        }
    }
    let before = world.events.ends();
    let mut owner = world.owner("one", true, 100);
    for _ in 0..3 {
        owner.step();
    }
    let halted = owner.halted();
    assert!(!halted.is_empty());
    assert!(halted[0].contains("log.entries_generation"), "{halted:?}");
    assert_eq!(world.events.ends(), before);
}

#[test]
fn a_topic_made_anew_while_an_emitter_runs_halts_its_partitions_whatever_its_client_hears() {
    let world = with_admissions();
    let mut owner = world.owner("one", true, 100);
    owner.finish(&world);
    let (mut looks, mut entries) = (owner.looped.looks(), Looking(world.entries.clone()));
    looks.look(&mut entries);
    world.entries.clear();
    for _ in 0..SHORT_ANSWERS {
        assert!(owner.halted().is_empty());
        looks.look(&mut entries);
        owner.step();
    }
    assert!(!owner.halted().is_empty());

    // The new topic grows past where the old one ended.
    let before = world.events.ends();
    world.define("other", 1);
    for number in 0..40 {
        for activity in ["bag", "hat"] {
            world.request(activity, &format!("new-{number}"), "r");
        }
    }
    for _ in 0..3 {
        owner.step();
        looks.look(&mut entries);
    }
    assert!(!owner.halted().is_empty());
    assert_eq!(world.events.ends(), before);
}
