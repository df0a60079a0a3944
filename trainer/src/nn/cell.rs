//! The gated recurrent unit as GRU4Rec has it: the reset gate is applied before the product (Cho et al., EMNLP 2014).

use tch::Tensor;

use super::{Initializer, Rule};
use crate::batch::Batch;

/// `r, z = sig(x W_rz + h U_rz + b_rz)`, `c = tanh(x W_c + (r * h) U_c + b_c)`, `h' = (1 - z) h + z c` (eq. 2 to 5 of the
/// first GRU4Rec paper).
///
/// `w_x` is `[input, 3d]` and `b` `[3d]` with the columns `c | r | z`, `u_rz` is `[d, 2d]`, `u_c` `[d, d]`.
#[derive(Debug)]
pub struct Cell {
    d: i64,
    w_x: Tensor,
    u_rz: Tensor,
    u_c: Tensor,
    b: Tensor,
}

impl Cell {
    /// A unit of width `d` over inputs of width `input`; each square block is uniform within
    /// `sqrt(6 / (rows + columns))`, the bias zero.
    pub fn new(init: &mut Initializer, name: &str, input: i64, d: i64) -> Self {
        let mut weight = |part: &str, shape: &[i64], rule| init.weight(&format!("{name}.{part}"), shape, rule);
        Self {
            d,
            w_x: weight("w_x", &[input, 3 * d], Rule::glorot(input, d)),
            u_rz: weight("u_rz", &[d, 2 * d], Rule::glorot(d, d)),
            u_c: weight("u_c", &[d, d], Rule::glorot(d, d)),
            b: weight("b", &[3 * d], Rule::Zero),
        }
    }

    /// Inputs `[n, input]` to what they add to the gates, `[n, 3d]`.
    fn gates(&self, x: &Tensor) -> Tensor {
        self.b.addmm(x, &self.w_x)
    }

    /// The next states `[n, d]` from gate inputs `[n, 3d]` and states `h` `[n, d]`.
    fn advance(&self, gates: &Tensor, h: &Tensor) -> Tensor {
        let d = self.d;
        let rz = gates.narrow(1, d, 2 * d).addmm(h, &self.u_rz).sigmoid(); // [n, 2d]
        let (r, z) = (rz.narrow(1, 0, d), rz.narrow(1, d, d));
        let c = gates.narrow(1, 0, d).addmm(&(r * h), &self.u_c).tanh(); // [n, d]
        h.lerp_tensor(&c, &z)
    }

    /// One event of each session: inputs `x` `[n, input]` and states `h` `[n, d]` to the next states.
    pub fn step(&self, x: &Tensor, h: &Tensor) -> Tensor {
        self.advance(&self.gates(x), h)
    }

    /// The state after the last event of each session, `[B, d]`, from packed inputs `x` `[P, input]` and a zero state.
    pub fn last(&self, batch: &Batch, x: &Tensor) -> Tensor {
        let gates = self.gates(x);
        let sizes = Vec::<i64>::try_from(&batch.step_sizes).expect("step sizes are int64 on the host");
        let mut h = Tensor::zeros([batch.size, self.d], (x.kind(), x.device()));
        let (mut states, mut start) = (Vec::with_capacity(sizes.len()), 0);
        for size in sizes {
            h = self.advance(&gates.narrow(0, start, size), &h.narrow(0, 0, size));
            states.push(h.shallow_clone());
            start += size;
        }
        Tensor::cat(&states, 0).index_select(0, &batch.last)
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::batch::tests::part;
    use crate::nn::Parameters;
    use crate::nn::golden::{assert_close, golden, tensor};

    #[test]
    fn one_cell_gives_the_numbers_of_the_authors_of_gru4rec() {
        let Some(golden) = golden("gru4rec_cell_v1") else { return };
        let parameter = |name: &str| tensor(&golden["params"][name]);
        // Their first layer looks the gates of an item up instead of multiplying: an input is a row of the unit matrix.
        let cell = Cell {
            d: 2,
            w_x: parameter("Wx0.weight"),
            u_rz: parameter("Wrz0"),
            u_c: parameter("Wh0"),
            b: parameter("Bh0"),
        };
        let x = Tensor::from_slice(&[1f32, 0., 0., 0., 0., 1.]).reshape([2, 3]); // items 0 and 2
        assert_close(&cell.step(&x, &tensor(&golden["H"])), &tensor(&golden["H_new"]));
    }

    #[test]
    fn a_packed_session_ends_in_the_state_of_its_steps_one_after_the_other() {
        let mut init = Initializer::new(1);
        let cell = Cell::new(&mut init, "cell", 2, 3);
        let _ = Parameters::gather(init, Device::Cpu);
        let part = part(&[&[(1, 1), (9, 1)], &[(1, 1), (2, 1), (3, 1), (9, 1)]], 9, 1);
        let batch = Batch::gather(&part, &[0, 1]);
        let x = Tensor::from_slice(&[0.1f32, -0.2, 0.3, 0.4, -0.5, 0.6, 0.7, -0.8]).reshape([4, 2]);
        let last = cell.last(&batch, &x);
        // Row 1 is the longer session, so it stands first in each step: positions 0, 2 and 3; row 0 has position 1.
        for (row, positions) in [(0, vec![1]), (1, vec![0, 2, 3])] {
            let mut h = Tensor::zeros([1, 3], (x.kind(), x.device()));
            for position in positions {
                h = cell.step(&x.narrow(0, position, 1), &h);
            }
            assert_close(&last.narrow(0, row, 1), &h.detach());
        }
    }
}
