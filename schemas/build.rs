//! Generates the types of `proto/` without a protoc on the machine.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(
        [
            "footfall/v1/event.proto",
            "footfall/v1/entry.proto",
            "footfall/v1/campaign.proto",
            "footfall/v1/rows.proto",
        ],
        ["proto"],
    )?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(
        out.join("descriptors.bin"),
        prost_build::Config::new()
            .compile_fds(files.clone())
            .map(|()| prost::Message::encode_to_vec(&files))?,
    )?;
    Ok(())
}
