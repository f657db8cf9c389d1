//! Measurements that a claim of speed stands on: ratios from one run on one machine.

mod admission;
mod campaign_read;
mod fold;
mod machine;
mod script_gate;
mod stampede;
mod throughput;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Footfall on this machine; results go to standard output as Markdown.
#[derive(Debug, Parser)]
enum Bench {
    /// Events a second from Kafka through the fold, checkpoints and Redis, beside consuming alone.
    Throughput(throughput::Args),
    /// Milliseconds and calls to read a campaign: one query an activity, beside one question.
    CampaignRead(campaign_read::Args),
    /// Nanoseconds a record of the fold alone, in memory, beside decoding.
    Fold(fold::Args),
    /// Bytes of memory and nanoseconds of a seat and of a refusal, and a snapshot of them.
    Admission(admission::Args),
    /// Many people ask running gateways for a seat within a second: answers and latencies.
    Stampede(stampede::Args),
    /// A gate that gives seats by one script in Redis, for `benches/peers.py`.
    ScriptGate(script_gate::Args),
}

fn main() -> anyhow::Result<()> {
    match Bench::parse() {
        Bench::Throughput(args) => throughput::run(&args),
        Bench::CampaignRead(args) => campaign_read::run(&args),
        Bench::Fold(args) => fold::run(&args),
        Bench::Admission(args) => admission::run(&args),
        Bench::Stampede(args) => stampede::run(&args),
        Bench::ScriptGate(args) => script_gate::run(&args),
    }
}
