//! Classifies the User-Agents on standard input, one a line, into lines of class, os, browser, brand and User-Agent.

use std::io::{BufRead, BufWriter, Write};

use pipeline::device::{Hints, classify};

fn main() -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let agent = line?;
        let device = classify(&agent, Hints::default());
        writeln!(
            out,
            "{}\t{}\t{}\t{}\t{agent}",
            device.class, device.os, device.browser, device.brand
        )?;
    }
    out.flush()
}
