//! What tests compare with: golden numbers of the authors' implementations, where the dossier that holds them is at hand,
//! and slopes in double precision.

use serde_json::Value;
use tch::Tensor;

/// The entry `name` of the golden file; a printed line and `None` where the file is absent.
pub(crate) fn golden(name: &str) -> Option<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/specs/golden.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: no golden numbers for `{name}` at ../shared/specs/golden.json");
        return None;
    };
    let all: Value = serde_json::from_str(&text).expect("the golden file is JSON");
    Some(all[name].clone())
}

/// A nested list of numbers as a float tensor.
pub(crate) fn tensor(value: &Value) -> Tensor {
    fn walk(value: &Value, depth: usize, shape: &mut Vec<i64>, flat: &mut Vec<f32>) {
        if let Some(list) = value.as_array() {
            if shape.len() == depth {
                shape.push(i64::try_from(list.len()).expect("a length"));
            }
            list.iter().for_each(|item| walk(item, depth + 1, shape, flat));
        } else {
            flat.push(value.as_f64().expect("a number") as f32);
        }
    }
    let (mut shape, mut flat) = (Vec::new(), Vec::new());
    walk(value, 0, &mut shape, &mut flat);
    Tensor::from_slice(&flat).reshape(&shape)
}

/// The slope of `f` along each number of `x`, double precision, by central differences, in the shape of `x`.
pub(crate) fn slopes(x: &Tensor, f: impl Fn(&Tensor) -> Tensor) -> Tensor {
    const H: f64 = 1e-6;
    let numbers = Vec::<f64>::try_from(x.reshape([-1])).expect("doubles");
    let at = |place: usize, by: f64| {
        let mut moved = numbers.clone();
        moved[place] += by;
        f(&Tensor::from_slice(&moved).reshape(x.size())).double_value(&[])
    };
    let slopes: Vec<f64> = (0..numbers.len()).map(|i| (at(i, H) - at(i, -H)) / (2.0 * H)).collect();
    Tensor::from_slice(&slopes).reshape(x.size())
}

/// Fails unless the two agree to six digits.
pub(crate) fn assert_close(found: &Tensor, expected: &Tensor) {
    assert_eq!(found.size(), expected.size());
    assert!(
        found.detach().allclose(expected, 1e-5, 2e-6, false),
        "found {found:?}, expected {expected:?}\n{found}\n{expected}"
    );
}
