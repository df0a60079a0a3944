//! Session-parallel batches (Hidasi et al., ICLR 2016, section 3.1.1): sessions side by side, one event of each a step.
//!
//! A lane holds a session until it has no next event, then the next session that nobody has read yet; when there is none
//! the lane goes and the batch shrinks. So each event but the first of a session is a target once, and none is lost.

use tch::{Kind, Tensor};

use crate::dataset::Part;

/// The sessions of a part on the host, in the order in which lanes take them: by the time of their first event.
#[derive(Debug)]
pub struct Sessions {
    /// Item of each event, session after session.
    pub items: Vec<i32>,
    /// First event and end of each session that has two events or more.
    bounds: Vec<(usize, usize)>,
}

impl Sessions {
    /// The sessions of `part`.
    ///
    /// # Panics
    /// When `part` breaks its own promises.
    #[must_use]
    pub fn of(part: &Part) -> Self {
        let items = Vec::<i32>::try_from(&part.items).expect("items are int32");
        let times = Vec::<i64>::try_from(&part.times).expect("times are int64");
        let offsets = Vec::<i64>::try_from(&part.session_offsets).expect("offsets are int64");
        let place = |offset: i64| usize::try_from(offset).expect("an offset is not negative");
        let bounds = offsets.windows(2).map(|pair| (place(pair[0]), place(pair[1])));
        let mut bounds: Vec<_> = bounds.filter(|(start, end)| start + 2 <= *end).collect();
        bounds.sort_by_key(|&(start, _)| times[start]);
        Self { items, bounds }
    }

    /// How many events are targets in one walk.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.bounds.iter().map(|(start, end)| end - start - 1).sum()
    }

    /// Walks over all sessions in `count` lanes, or in as many as there are sessions.
    #[must_use]
    pub fn walk(&self, count: usize) -> Lanes<'_> {
        Lanes { sessions: self, unread: 0, lanes: vec![(0, 0); count] }
    }
}

/// One event of each lane and the one after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// The item of the event, for each of the `M` lanes.
    pub inputs: Vec<i64>,
    /// The item of the next event.
    pub targets: Vec<i64>,
    /// The lane of the turn before from which a lane has its place.
    pub origins: Vec<i64>,
    /// 1 where the lane goes on with the same session, 0 where it begins one.
    pub kept: Vec<i64>,
}

/// A walk over sessions, turn by turn.
#[derive(Debug)]
pub struct Lanes<'a> {
    sessions: &'a Sessions,
    /// The first session that no lane has taken.
    unread: usize,
    /// The next event and the end of each lane's session.
    lanes: Vec<(usize, usize)>,
}

impl Iterator for Lanes<'_> {
    type Item = Turn;

    fn next(&mut self) -> Option<Turn> {
        let (mut turn, mut lanes) = (Turn::default(), Vec::with_capacity(self.lanes.len()));
        for (origin, &(at, end)) in self.lanes.iter().enumerate() {
            let goes_on = at + 1 < end;
            let (at, end) = if goes_on {
                (at, end)
            } else if let Some(&bounds) = self.sessions.bounds.get(self.unread) {
                self.unread += 1;
                bounds
            } else {
                continue;
            };
            turn.inputs.push(self.sessions.items[at].into());
            turn.targets.push(self.sessions.items[at + 1].into());
            turn.origins.push(i64::try_from(origin).expect("a lane's number"));
            turn.kept.push(goes_on.into());
            lanes.push((at + 1, end));
        }
        self.lanes = lanes;
        (!turn.inputs.is_empty()).then_some(turn)
    }
}

/// A turn on the device, with the items that were drawn for it. All int64 but for `kept`, all views of one tensor.
#[derive(Debug)]
pub struct LaneStep {
    /// The item of the event of each lane, `[M]`.
    pub inputs: Tensor,
    /// What is scored: the targets of the `M` lanes, then the drawn items, `[C]`.
    pub candidates: Tensor,
    /// The inputs, then the candidates, `[M + C]`.
    pub seen: Tensor,
    origins: Tensor,
    kept: Tensor,
}

impl LaneStep {
    /// Lays `turn` and the items `drawn` on the device of `like`.
    #[must_use]
    pub fn new(turn: &Turn, drawn: &[i64], like: &Tensor) -> Self {
        let lanes = i64::try_from(turn.inputs.len()).expect("a count");
        let all = [&turn.inputs, &turn.targets, drawn, &turn.origins, &turn.kept].concat();
        let all = Tensor::from_slice(&all).to_device(like.device());
        let seen = 2 * lanes + i64::try_from(drawn.len()).expect("a count");
        Self {
            inputs: all.narrow(0, 0, lanes),
            candidates: all.narrow(0, lanes, seen - lanes),
            seen: all.narrow(0, 0, seen),
            origins: all.narrow(0, seen, lanes),
            kept: all.narrow(0, seen + lanes, lanes).to_kind(Kind::Float).unsqueeze(1), // [M, 1]
        }
    }

    /// Lanes `M`.
    #[must_use]
    pub fn lanes(&self) -> i64 {
        self.inputs.size()[0]
    }

    /// The states `[M, d]` with which this step begins, from those that the step before ended with: a lane that begins a
    /// session begins from zero.
    pub fn carry(&self, states: &Tensor) -> Tensor {
        states.index_select(0, &self.origins) * &self.kept
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::dataset::{DatasetMeta, Events};

    /// Sessions of (start time, items).
    fn sessions(sessions: &[(i64, &str)]) -> Sessions {
        let mut events = Events { session_offsets: vec![0], ..Events::default() };
        for &(start, items) in sessions {
            for (place, item) in (0..).zip(items.bytes()) {
                events.items.push(i32::from(item - b'a') + 1);
                events.operations.push(1);
                events.times.push(start + place);
            }
            events.session_offsets.push(i64::try_from(events.items.len()).expect("a count"));
        }
        let meta = DatasetMeta { version: 1, name: "toy".into(), items: 26, operations: 1, max_length: 9 };
        Sessions::of(&Part::new(events, &[], &meta, Device::Cpu).expect("a well-formed part"))
    }

    fn letters(items: &[i64]) -> String {
        items.iter().map(|&item| char::from(b'a' + u8::try_from(item - 1).expect("a letter"))).collect()
    }

    #[test]
    fn four_sessions_in_two_lanes_give_the_steps_resets_and_shrinking_of_the_authors() {
        // `session_parallel_trace` of the golden numbers: (inputs, targets, origins, kept).
        let sessions = sessions(&[(5, "abc"), (1, "de"), (3, "fghi"), (9, "ab")]);
        let expected = [
            ("df", "eg", vec![0, 1], vec![0, 0]),
            ("ag", "bh", vec![0, 1], vec![0, 1]),
            ("bh", "ci", vec![0, 1], vec![1, 1]),
            ("a", "b", vec![0], vec![0]),
        ];
        let turns: Vec<Turn> = sessions.walk(2).collect();
        assert_eq!(turns.len(), expected.len());
        for (turn, (inputs, targets, origins, kept)) in turns.into_iter().zip(expected) {
            assert_eq!((letters(&turn.inputs).as_str(), letters(&turn.targets).as_str()), (inputs, targets));
            assert_eq!((turn.origins, turn.kept), (origins, kept));
        }
    }

    #[test]
    fn a_lane_whose_session_goes_on_keeps_its_state_when_the_lane_before_it_goes() {
        let sessions = sessions(&[(1, "ab"), (2, "cde")]);
        let last = sessions.walk(2).last().expect("a turn");
        assert_eq!((letters(&last.inputs), last.origins.clone(), last.kept.clone()), ("d".into(), vec![1], vec![1]));
        let states = Tensor::from_slice(&[1f32, 2., 3., 4.]).reshape([2, 2]);
        let step = LaneStep::new(&last, &[7], &states);
        assert_eq!(Vec::<f32>::try_from(step.carry(&states).flatten(0, 1)).expect("floats"), [3., 4.]);
        assert_eq!(Vec::<i64>::try_from(&step.seen).expect("ids"), [4, 5, 7]);
    }

    #[test]
    fn each_event_but_the_first_of_a_session_is_a_target_once_whatever_the_lanes() {
        let sessions = sessions(&[(4, "abcde"), (2, "f"), (3, "gh"), (1, "ijk"), (5, "lmnop")]);
        assert_eq!(sessions.targets(), 4 + 1 + 2 + 4);
        for lanes in [1, 2, 3, 50] {
            let mut targets: Vec<i64> = sessions.walk(lanes).flat_map(|turn| turn.targets).collect();
            targets.sort_unstable();
            assert_eq!(letters(&targets), "bcdehjkmnop", "{lanes} lanes");
        }
    }
}
