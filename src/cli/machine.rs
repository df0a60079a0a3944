//! How much of the machine a run may use: places, memory, GPUs, and what is done about failures.

use std::num::NonZeroUsize;
use std::str::FromStr;

use clap::Args;

use crate::engine::Capacity;
use crate::stage::trainer::Trainer;
use crate::unit::Size;

/// How much of the machine a run may use.
#[derive(Debug, Args)]
pub(super) struct Machine {
    /// How many stages may run side by side [default: the number of cores]. All of them together never use more cores
    /// than there are: a stage takes as many as its threads, or as its `resources` say.
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// How much memory the `resources` of running stages may add up to [default: what the machine has].
    #[arg(long, value_name = "SIZE")]
    memory: Option<Size>,
    /// The GPUs to hand out, `0,1` or `none` [default: all that are visible].
    #[arg(long, value_name = "IDS")]
    gpus: Option<Gpus>,
}

/// A list of GPU ids.
#[derive(Debug, Clone)]
struct Gpus(Vec<String>);

impl FromStr for Gpus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let ids: Vec<String> = text.split(',').map(|id| id.trim().to_owned()).collect();
        let known = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || "-/".contains(c));
        match ids.iter().enumerate().find(|(at, id)| !known(id) || ids[..*at].contains(id)) {
            Some((_, id)) => Err(format!("`{id}` is no GPU id, or stands here twice; write `0,1` or `none`")),
            None => Ok(Self(ids)),
        }
    }
}

impl Machine {
    /// What a run may use.
    pub(super) fn capacity(&self, trainer: Option<&Trainer>) -> Capacity {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Capacity {
            jobs: self.jobs.map_or(cores, NonZeroUsize::get),
            cores,
            memory: self.memory.unwrap_or_else(memory),
            gpus: self.gpus.clone().map_or_else(|| gpus(trainer), |Gpus(ids)| ids),
        }
    }
}

/// What the machine has, or less where a container may have less.
fn memory() -> Size {
    let read = |path: &str| fs_err::read_to_string(path).ok();
    let machine = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    });
    let container = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse::<u64>().ok());
    Size::of_bytes(machine.unwrap_or(u64::MAX).min(container.unwrap_or(u64::MAX)))
}

/// The GPUs that are visible: as the environment says, else as the driver lists, else as the trainer sees.
fn gpus(trainer: Option<&Trainer>) -> Vec<String> {
    if let Ok(visible) = std::env::var("CUDA_VISIBLE_DEVICES") {
        // CUDA itself stops at the first that it does not know; `-1` hides all.
        let ids = visible.split(',').map(str::trim).take_while(|id| !id.is_empty() && *id != "-1");
        return ids.map(str::to_owned).collect();
    }
    let listed = fs_err::read_dir("/proc/driver/nvidia/gpus").map_or(0, Iterator::count);
    let seen = trainer
        .map_or(0, |trainer| trainer.description.devices.iter().filter(|device| device.starts_with("cuda")).count());
    (0..if listed > 0 { listed } else { seen }).map(|id| id.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpu_ids_are_a_list_or_none() {
        let read = |text: &str| text.parse::<Gpus>().map(|Gpus(ids)| ids);
        assert_eq!(read("none").unwrap(), [""; 0]);
        assert_eq!(read("0, 3").unwrap(), ["0", "3"]);
        assert_eq!(read("GPU-4a1b,MIG-7/0").unwrap(), ["GPU-4a1b", "MIG-7/0"]);
        for bad in ["", "0,", "1,1", "all!"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
