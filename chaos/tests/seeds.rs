//! The simulator's seeds: each is the same run for ever, nothing breaks in any, and every fault made on purpose is found.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use chaos::run::{all_steps, run};
use mutants::Mutant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SEEDS: u64 = 10_000;
const THREADS: usize = 2;
/// Seeds in which a fault made on purpose must be found.
const TO_CATCH: u64 = 5_000;

#[test]
fn a_seed_is_the_same_run_each_time() {
    for seed in 1..=20 {
        let [one, two] = [(); 2].map(|()| run(seed, &all_steps(), true).unwrap());
        assert_eq!(one.1, two.1, "seed {seed}");
    }
}

#[test]
fn nothing_breaks_in_ten_thousand_seeds() {
    let next = AtomicU64::new(1);
    let run_some = || {
        let mut all = BTreeMap::<&str, u64>::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > SEEDS {
                return all;
            }
            match run(seed, &all_steps(), false) {
                Ok((counts, _)) => counts
                    .into_iter()
                    .for_each(|(what, count)| *all.entry(what).or_default() += count),
                Err(broken) => panic!("simulate --seed {seed}: {}", broken.what),
            }
        }
    };
    let all = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run_some)).collect();
        let mut all = BTreeMap::<&str, u64>::new();
        for thread in threads {
            let counts = thread.join().expect("a seed fails; it is printed above");
            counts
                .into_iter()
                .for_each(|(what, count)| *all.entry(what).or_default() += count);
        }
        all
    });
    println!("{all:?}");
    // What never happened was not put to the proof.
    for what in [
        "images",
        "kills",
        "the primary dies",
        "two primaries",
        "all is wiped",
        "indices deleted",
        "old files",
        "files truncated",
        "snapshot",
        "copy",
        "emitters killed",
        "claims of OpenSearch",
        "gateways killed",
        "gateways stopped",
        "files of gateways",
        "told yes",
        "told no",
        "told no from memory",
        "told of a seat given back",
        "told nothing for sure",
    ] {
        assert!(
            all.get(what).is_some_and(|count| *count > 10),
            "{what}: {all:?}"
        );
    }
}

#[test]
fn every_fault_made_on_purpose_is_found() {
    for mutant in Mutant::ALL {
        mutants::set(Some(mutant));
        let caught = (1..=TO_CATCH).find(|seed| run(*seed, &all_steps(), false).is_err());
        println!("{}: seed {caught:?}", mutant.as_str());
        assert!(caught.is_some(), "{} is not found", mutant.as_str());
    }
}
