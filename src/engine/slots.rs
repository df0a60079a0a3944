//! What a machine has and what running stages have taken of it: places, cores, memory, GPUs and shares of them.

use super::graph::Member;
use super::handling::Needs;
use super::stage::Resources;
use crate::unit::Size;

/// What a run may use of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// How many stages may run side by side.
    pub jobs: usize,
    /// Cores.
    pub cores: usize,
    /// Memory.
    pub memory: Size,
    /// The ids of its GPUs, as `CUDA_VISIBLE_DEVICES` writes them.
    pub gpus: Vec<String>,
}

/// The parts that a GPU is shared in: a thousandth is the smallest.
const WHOLE: u32 = 1_000;

/// What one stage takes while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Need {
    pub(super) cores: usize,
    /// Bytes.
    pub(super) memory: u64,
    /// Thousandths of a GPU; from one GPU on, whole ones.
    pub(super) gpus: u32,
}

impl Need {
    /// What a stage takes: as its pipeline says, and else as it knows itself. One that wants more cores than there are
    /// gets them all.
    pub(super) fn new(member: &Member, capacity: &Capacity) -> Self {
        Self::of(member.handling.resources, member.stage.resources(), capacity)
    }

    fn of(said: Needs, own: Resources, capacity: &Capacity) -> Self {
        let Needs { cpu, memory, gpu } = said;
        let gpus = own.gpus.map_or(0.0, |usual| gpu.unwrap_or(usual));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand, checked before")]
        let parts = (gpus * f64::from(WHOLE)).ceil().clamp(0.0, f64::from(u32::MAX / 2)) as u32;
        Self {
            cores: cpu.unwrap_or(own.threads).min(capacity.cores),
            memory: memory.map_or(0, Size::bytes),
            gpus: if parts > WHOLE { parts.div_ceil(WHOLE) * WHOLE } else { parts },
        }
    }

    /// Why the machine can never give this much.
    pub(super) fn beyond(&self, capacity: &Capacity) -> Option<String> {
        let has = capacity.gpus.len();
        if self.gpus.div_ceil(WHOLE) as usize > has {
            let wants = self.gpus.div_ceil(WHOLE);
            return Some(format!("it needs {wants} GPU{}, and there {}", s(wants as usize), are(has)));
        }
        if self.memory > capacity.memory.bytes() {
            return Some(format!(
                "it needs {} of memory, and there is {}",
                Size::of_bytes(self.memory),
                capacity.memory
            ));
        }
        None
    }
}

fn s(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn are(count: usize) -> String {
    if count == 0 { "is none".into() } else { format!("{} {count}", if count == 1 { "is" } else { "are" }) }
}

/// What a running stage holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    need: Need,
    /// GPUs by index, each with the thousandths that it holds of it.
    devices: Vec<(usize, u32)>,
}

/// What is free now.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    jobs: usize,
    cores: usize,
    memory: u64,
    /// Free thousandths of each GPU.
    gpus: Vec<u32>,
    ids: Vec<String>,
}

impl Slots {
    /// All of it free.
    pub(super) fn new(capacity: &Capacity) -> Self {
        Self {
            jobs: capacity.jobs,
            cores: capacity.cores,
            memory: capacity.memory.bytes(),
            gpus: vec![WHOLE; capacity.gpus.len()],
            ids: capacity.gpus.clone(),
        }
    }

    /// True when no further stage may start, whatever it needs.
    pub(super) fn full(&self) -> bool {
        self.jobs == 0
    }

    /// True when there are this many cores.
    pub(super) fn has_cores(&self, cores: usize) -> bool {
        cores <= self.cores
    }

    /// Takes what a stage needs, or nothing.
    pub(super) fn take(&mut self, need: Need) -> Option<Grant> {
        if self.full() || need.cores > self.cores || need.memory > self.memory {
            return None;
        }
        let devices = self.devices(need.gpus)?;
        for (device, parts) in &devices {
            self.gpus[*device] -= parts;
        }
        self.jobs -= 1;
        self.cores -= need.cores;
        self.memory -= need.memory;
        Some(Grant { need, devices })
    }

    /// GPUs for so many thousandths: a share of the fullest that has room for it, or whole free ones.
    fn devices(&self, parts: u32) -> Option<Vec<(usize, u32)>> {
        let free = self.gpus.iter().copied().enumerate();
        match parts {
            0 => Some(Vec::new()),
            1..WHOLE => {
                let fullest = free.filter(|(_, free)| *free >= parts).min_by_key(|(_, free)| *free)?;
                Some(vec![(fullest.0, parts)])
            }
            _ => {
                let count = (parts / WHOLE) as usize;
                let whole: Vec<_> = free.filter(|(_, free)| *free == WHOLE).take(count).collect();
                (whole.len() == count).then_some(whole)
            }
        }
    }

    /// Gives back what a stage held.
    pub(super) fn give_back(&mut self, grant: &Grant) {
        self.jobs += 1;
        self.cores += grant.need.cores;
        self.memory += grant.need.memory;
        for (device, parts) in &grant.devices {
            self.gpus[*device] += parts;
        }
    }

    /// The ids of the GPUs of a grant.
    pub(super) fn gpu_ids(&self, grant: &Grant) -> Vec<String> {
        grant.devices.iter().map(|(device, _)| self.ids[*device].clone()).collect()
    }
}

impl Grant {
    /// How many threads its stage may use.
    pub(super) fn threads(&self) -> usize {
        self.need.cores.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity() -> Capacity {
        let gpus = ["0", "1", "GPU-c"].map(str::to_owned).to_vec();
        Capacity { jobs: 6, cores: 8, memory: Size::of_bytes(100), gpus }
    }

    fn need(gpus: f64, own: Option<f64>) -> Need {
        let resources = Needs { gpu: Some(gpus), ..Needs::default() };
        Need::of(resources, Resources { threads: 1, gpus: own }, &capacity())
    }

    #[test]
    fn shares_fill_one_gpu_before_they_open_another_and_whole_ones_stay_whole() {
        let mut slots = Slots::new(&capacity());
        let (quarter, half, whole) = (need(0.25, Some(0.0)), need(0.5, Some(0.0)), need(1.0, Some(0.0)));
        let mut ids = |need| {
            let grant = slots.take(need).unwrap();
            slots.gpu_ids(&grant).join(",")
        };
        assert_eq!([ids(half), ids(quarter), ids(half), ids(quarter)], ["0", "0", "1", "0"]);
        assert_eq!(ids(whole), "GPU-c");
        assert!(slots.take(whole).is_none(), "GPU 1 is half free, which is no whole one");
        assert!(slots.take(half).is_some());
    }

    #[test]
    fn a_stage_that_runs_on_no_gpu_takes_none_and_three_thirds_fit() {
        assert_eq!(need(0.5, None).gpus, 0);
        assert_eq!(need(1.2, Some(0.0)).gpus, 2_000, "from one on, whole GPUs");
        let mut slots = Slots::new(&Capacity { gpus: vec!["0".into()], ..capacity() });
        for _ in 0..3 {
            assert!(slots.take(need(0.333, Some(0.0))).is_some());
        }
        assert!(slots.take(need(0.333, Some(0.0))).is_none());
    }

    #[test]
    fn what_the_machine_never_has_is_told_and_too_many_cores_are_all_of_them() {
        let beyond = |need: Need| need.beyond(&capacity()).unwrap_or_default();
        assert_eq!(beyond(need(4.0, Some(0.0))), "it needs 4 GPUs, and there are 3");
        assert!(beyond(Need { memory: 101, ..Need::default() }).contains("there is 100 B"));
        let many = Needs { cpu: Some(99), ..Needs::default() };
        let all = Need::of(many, Resources { threads: 1, gpus: None }, &capacity());
        assert_eq!((all.cores, all.beyond(&capacity())), (8, None));
    }
}
