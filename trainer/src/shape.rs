//! The names of a model's weights and their shapes, as formulas of the catalog's sizes and of the widths in its config.
//!
//! Nobody writes the formulas down: the model is built a few times, very small, with one size changed at a time, or two.
//! Each size of a weight is a sum of such sizes and of products of two, so the differences are its coefficients.

use serde::Serialize;
use serde_json::Value;
use tch::Device;

use crate::model::{Catalog, Entry, Model};

/// A weight of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name in files of weights.
    pub name: String,
    /// Each size, such as `items + 1`, `3*dimension` or `items*operations + 1`. A word is a size of the catalog or a key of the config.
    pub shape: Vec<String>,
}

/// The sizes of the catalog, in the order of `Point`.
const CATALOG: [&str; 4] = ["items", "operations", "entities", "relations"];

/// The sizes that a model is built with: those of the catalog, then the widths of its config.
type Point = Vec<i64>;

/// Names and shapes of the weights of a model that was built.
type Shapes = Vec<(String, Vec<i64>)>;

/// The weights of `entry` under `config`, in the order in which they are made; none for a model that counts.
#[must_use]
pub fn parameters(entry: &Entry, config: &Value) -> Vec<Parameter> {
    let widths = widths(entry, config);
    let start = start(&widths);
    let Some(base) = build(entry, config, &widths, &start) else { return Vec::new() };
    let with = |point: Point| build(entry, config, &widths, &point).filter(|built| names(built) == names(&base));
    let changed: Vec<Option<Shapes>> = (0..start.len()).map(|variable| with(raised(&start, variable))).collect();
    let pairs: Vec<(usize, usize)> = (0..start.len()).flat_map(|one| (0..one).map(move |other| (other, one))).collect();
    let both: Vec<Option<Shapes>> =
        pairs.iter().map(|&(one, other)| with(raised(&raised(&start, one), other))).collect();
    let words: Vec<&str> = CATALOG.into_iter().chain(widths.iter().map(String::as_str)).collect();
    let shape = |weight: usize, sizes: &[i64]| {
        let size = |(axis, &size): (usize, &i64)| {
            let rise = |built: &Option<Shapes>| built.as_ref().map_or(0, |b| b[weight].1[axis] - size);
            let slopes: Vec<i64> = changed.iter().map(rise).collect();
            // Where two sizes are multiplied, raising both does more than raising each.
            let product = |(&(one, other), built): (&(usize, usize), &Option<Shapes>)| {
                built.as_ref().map_or(0, |_| rise(built) - slopes[one] - slopes[other])
            };
            let products: Vec<i64> = pairs.iter().zip(&both).map(product).collect();
            formula(size, &slopes, &pairs.iter().copied().zip(products).collect::<Vec<_>>(), &start, &words)
        };
        sizes.iter().enumerate().map(size).collect()
    };
    let parameter = |(weight, (name, sizes)): (usize, &(String, Vec<i64>))| Parameter {
        name: name.clone(),
        shape: shape(weight, sizes),
    };
    base.iter().enumerate().map(parameter).collect()
}

/// The keys of the config that are widths: whole numbers that change the shapes of weights, but not which there are.
fn widths(entry: &Entry, config: &Value) -> Vec<String> {
    let defaults = entry.default_config();
    let numbers = defaults.as_object().into_iter().flatten().filter(|(_, value)| value.is_u64());
    let keys: Vec<String> = numbers.map(|(key, _)| key.clone()).collect();
    let start = start(&keys);
    let base = build(entry, config, &keys, &start);
    let is_width = |place: &usize| {
        let built = build(entry, config, &keys, &raised(&start, CATALOG.len() + place));
        built.as_ref().map(names) == base.as_ref().map(names)
    };
    (0..keys.len()).filter(is_width).map(|place| keys[place].clone()).collect()
}

fn names(shapes: &Shapes) -> Vec<&str> {
    shapes.iter().map(|(name, _)| name.as_str()).collect()
}

/// A small size for each variable. A model with knowledge wants a relation, and entities begin with the items.
fn start(widths: &[String]) -> Point {
    [3, 2, 4, 1].into_iter().chain(widths.iter().map(|_| 2)).collect()
}

fn raised(point: &Point, variable: usize) -> Point {
    let mut point = point.clone();
    point[variable] += 1;
    point
}

/// Names and shapes of the weights of `entry` under `config`, built with these sizes; nothing where it cannot be, or counts.
fn build(entry: &Entry, config: &Value, widths: &[String], point: &Point) -> Option<Shapes> {
    let catalog = Catalog { items: point[0], operations: point[1], entities: point[2], relations: point[3] };
    let mut config = config.clone();
    for (key, &size) in widths.iter().zip(&point[CATALOG.len()..]) {
        config[key] = size.into();
    }
    match entry.build(&config, catalog, None, Device::Cpu) {
        Ok(Model::Gradient(network)) => {
            Some(network.parameters.iter().map(|(name, weight)| (name.to_owned(), weight.size())).collect())
        }
        Ok(Model::Counting(_)) | Err(_) => None,
    }
}

/// `size` at the point `start`, as a sum of words with their `slopes` there and of `products` of two with theirs.
fn formula(size: i64, slopes: &[i64], products: &[((usize, usize), i64)], start: &Point, words: &[&str]) -> String {
    let mut text = String::new();
    let mut add = |amount: i64, word: Option<String>| {
        let term = match word {
            None => amount.abs().to_string(),
            Some(word) if amount.abs() == 1 => word,
            Some(word) => format!("{}*{word}", amount.abs()),
        };
        let sign = match (text.is_empty(), amount < 0) {
            (true, false) => "",
            (true, true) => "-",
            (false, false) => " + ",
            (false, true) => " - ",
        };
        text.push_str(sign);
        text.push_str(&term);
    };
    let (mut rest, mut slopes) = (size, slopes.to_vec());
    for &((one, other), factor) in products.iter().filter(|(_, factor)| *factor != 0) {
        add(factor, Some(format!("{}*{}", words[one], words[other])));
        rest -= factor * start[one] * start[other];
        slopes[one] -= factor * start[other];
        slopes[other] -= factor * start[one];
    }
    for ((&slope, &at), &word) in slopes.iter().zip(start).zip(words) {
        if slope != 0 {
            add(slope, Some(word.to_owned()));
            rest -= slope * at;
        }
    }
    let alone = slopes.iter().all(|&slope| slope == 0) && products.iter().all(|(_, factor)| *factor == 0);
    if rest != 0 || alone {
        add(rest, None);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{MODELS, find};

    /// The value of a formula.
    fn value(formula: &str, words: &[&str], point: &Point) -> i64 {
        let factor = |text: &str| {
            let size = words.iter().position(|other| *other == text).map(|place| point[place]);
            size.unwrap_or_else(|| text.parse().expect("a word or a number"))
        };
        let term = |text: &str| text.split('*').map(factor).product::<i64>();
        formula.replace(" - ", " + -1*").split(" + ").map(term).sum()
    }

    #[test]
    fn a_formula_names_each_size_that_counts() {
        let words = ["items", "operations", "entities", "relations", "dimension"];
        let start = vec![3, 2, 4, 1, 2];
        let sum = |size: i64, slopes: &[i64]| formula(size, slopes, &[], &start, &words);
        assert_eq!(sum(4, &[1, 0, 0, 0, 0]), "items + 1");
        assert_eq!(sum(6, &[0, 0, 0, 0, 3]), "3*dimension");
        assert_eq!(sum(4, &[0, 1, 0, 1, 0]), "operations + relations + 1");
        assert_eq!(sum(1, &[1, 0, 0, 0, -1]), "items - dimension");
        assert_eq!(sum(7, &[0; 5]), "7");
        // 3 items and 2 operations: 2 * 3 * 2 + 2 + 1 numbers, which rise by 2 * 2 with an item and by 2 * 3 + 1 with an
        // operation.
        assert_eq!(
            formula(15, &[4, 7, 0, 0, 0], &[((0, 1), 2)], &start, &words),
            "2*items*operations + operations + 1"
        );
    }

    #[test]
    fn the_formulas_of_every_model_hold_for_other_sizes() {
        let mut cases: Vec<(&Entry, Value)> = MODELS.iter().map(|entry| (entry, entry.default_config())).collect();
        for (name, config) in [
            ("m-sr", json!({ "scorer": "mlp" })),
            ("mkm-sr", json!({ "encoder": "joined-gru" })),
            ("gru4rec-ce", json!({ "embedding": "separate" })),
        ] {
            let entry = find(name).expect("in the list");
            assert_ne!(parameters(entry, &config), parameters(entry, &json!({})), "{name} has other weights then");
            cases.push((entry, config));
        }
        for (entry, config) in cases {
            let widths = widths(entry, &config);
            let point: Point = [7, 5, 11, 3].into_iter().chain((6..).take(widths.len())).collect();
            let words: Vec<&str> = CATALOG.into_iter().chain(widths.iter().map(String::as_str)).collect();
            let built = build(entry, &config, &widths, &point).unwrap_or_default();
            let found: Shapes = parameters(entry, &config)
                .into_iter()
                .map(|parameter| {
                    let shape = parameter.shape.iter().map(|formula| value(formula, &words, &point)).collect();
                    (parameter.name, shape)
                })
                .collect();
            assert_eq!(found, built, "{} {config}", entry.name);
        }
    }
}
