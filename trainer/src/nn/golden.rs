//! Golden numbers of the authors' implementations, where the dossier that holds them is at hand.

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

/// Fails unless the two agree to six digits.
pub(crate) fn assert_close(found: &Tensor, expected: &Tensor) {
    assert_eq!(found.size(), expected.size());
    assert!(
        found.detach().allclose(expected, 1e-5, 2e-6, false),
        "found {found:?}, expected {expected:?}\n{found}\n{expected}"
    );
}
