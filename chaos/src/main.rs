//! `simulate`: runs seeds until one fails, which it makes short; or one seed again.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chaos::run::{Broken, all_steps, run};
use chaos::shrink::shrink;
use clap::Parser;
use mutants::Mutant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Searches a mutant is judged by.
const SEARCHES: u64 = 10;

/// Runs the simulator. Each seed is one run; the same seed is the same run.
#[derive(Parser)]
#[command(name = "simulate", version)]
struct Arguments {
    /// The first seed
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How many seeds
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// One seed, told step by step
    #[arg(long, conflicts_with_all = ["from", "seeds"])]
    seed: Option<u64>,
    /// Of that seed these steps only, as a run that was made short names them
    #[arg(long, value_delimiter = ',', requires = "seed")]
    only: Option<Vec<u64>>,
    /// With this fault made on purpose; `all`: with each in turn, until it is caught
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    /// Threads; each runs seeds of its own
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mutant = match arguments.mutant.as_deref() {
        None => None,
        Some("all") => return judge_mutants(&arguments),
        Some(name) => match Mutant::ALL
            .into_iter()
            .find(|mutant| mutant.as_str() == name)
        {
            Some(mutant) => Some(mutant),
            None => {
                let names: Vec<_> = Mutant::ALL.map(Mutant::as_str).into();
                println!(
                    "there is no mutant {name:?}; there are {}",
                    names.join(", ")
                );
                return ExitCode::FAILURE;
            }
        },
    };
    mutants::set(mutant);
    match arguments.seed {
        Some(seed) => tell(seed, &arguments.only.unwrap_or_else(all_steps)),
        None => search(&arguments, mutant),
    }
}

/// Runs each mutant until it is caught, in ten searches that begin at seeds of their own; prints a table.
fn judge_mutants(arguments: &Arguments) -> ExitCode {
    let mut missed = 0;
    println!("| mutant | caught | seeds needed: median | most | first caught by |");
    println!("|---|---|---:|---:|---|");
    for mutant in Mutant::ALL {
        mutants::set(Some(mutant));
        let caught: Vec<Option<(u64, String)>> = (0..SEARCHES)
            .map(|search| {
                let from = arguments.from + search * arguments.seeds;
                let found = (from..from + arguments.seeds)
                    .find_map(|seed| Some((seed, run(seed, &all_steps(), false).err()?)));
                found.map(|(seed, broken)| (seed - from + 1, broken.what))
            })
            .collect();
        let mut needed: Vec<u64> = caught.iter().flatten().map(|(needed, _)| *needed).collect();
        needed.sort_unstable();
        missed += SEARCHES - needed.len() as u64;
        let first = caught.into_iter().flatten().next();
        let first = first.map(|(_, what)| what.replace(['\n', '|'], " "));
        println!(
            "| {} | {} of {SEARCHES} | {} | {} | {} |",
            mutant.as_str(),
            needed.len(),
            needed.get(needed.len() / 2).copied().unwrap_or(0),
            needed.last().copied().unwrap_or(0),
            first
                .unwrap_or_default()
                .chars()
                .take(160)
                .collect::<String>()
        );
    }
    ExitCode::from(u8::from(missed > 0))
}

/// Runs one seed and says what happened.
fn tell(seed: u64, steps: &[u64]) -> ExitCode {
    let (trace, what) = match run(seed, steps, true) {
        Ok((_, trace)) => (trace, None),
        Err(Broken { what, trace }) => (trace, Some(what)),
    };
    trace.iter().for_each(|line| println!("{line}"));
    match what {
        None => {
            println!("seed {seed}: all holds");
            ExitCode::SUCCESS
        }
        Some(what) => {
            println!("seed {seed}: {what}");
            ExitCode::FAILURE
        }
    }
}

/// Runs many seeds, until one fails.
fn search(arguments: &Arguments, mutant: Option<Mutant>) -> ExitCode {
    let (start, next, is_over) = (Instant::now(), AtomicU64::new(0), AtomicBool::new(false));
    let (all, failed) = (Mutex::new(BTreeMap::new()), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| {
                mutants::set(mutant);
                let mut counts = BTreeMap::new();
                while !is_over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= arguments.seeds {
                        break;
                    }
                    match run(arguments.from + number, &all_steps(), false) {
                        Ok((counted, _)) => add(&mut counts, counted),
                        Err(broken) => {
                            is_over.store(true, Ordering::Relaxed);
                            *lock(&failed) = Some((arguments.from + number, broken));
                        }
                    }
                    *counts.entry("seeds").or_insert(0) += 1;
                }
                add(&mut lock(&all), counts);
            });
        }
    });
    report(&lock(&all), start.elapsed());
    let failed = lock(&failed).take();
    let Some((seed, Broken { what, .. })) = failed else {
        return ExitCode::SUCCESS;
    };
    println!("seed {seed}: {what}");
    println!("making it short …");
    let steps: Vec<String> = shrink(seed, all_steps())
        .iter()
        .map(u64::to_string)
        .collect();
    let count = steps.len();
    println!(
        "{count} steps: simulate --seed {seed} --only {}",
        steps.join(",")
    );
    ExitCode::FAILURE
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn add(all: &mut BTreeMap<&'static str, u64>, more: BTreeMap<&'static str, u64>) {
    for (what, count) in more {
        *all.entry(what).or_insert(0) += count;
    }
}

fn report(counts: &BTreeMap<&'static str, u64>, took: Duration) {
    let seconds = took.as_secs_f64();
    for (what, count) in counts {
        println!("{count:>12} {what}");
    }
    let seeds = counts.get("seeds").copied().unwrap_or(0);
    println!(
        "{seconds:>12.1} seconds, {:.0} seeds a second",
        seeds as f64 / seconds
    );
}
