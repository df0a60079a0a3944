//! Names and shapes of weights, written by hand: people put weights of other programs in under these names.

use crate::process::models;
use serde_json::json;

/// For each model that learns by gradient its weights, in order, as `name: size, size`.
const WEIGHTS: &[(&str, &[&str])] = &[
    ("fpmc", &["next: items + 1, dimension", "basket: items + 1, dimension"]),
    ("gru4rec-bpr", GRU4REC),
    ("gru4rec-ce", GRU4REC),
    (
        "gru",
        &[
            "embedding: items + 1, dimension",
            "gru.w_ih: 3*dimension, dimension",
            "gru.w_hh: 3*dimension, dimension",
            "gru.b_ih: 3*dimension",
            "gru.b_hh: 3*dimension",
        ],
    ),
    (
        "narm",
        &[
            "embedding: items + 1, embedding_dimension",
            "gru.w_ih: 3*dimension, embedding_dimension",
            "gru.w_hh: 3*dimension, dimension",
            "gru.b_ih: 3*dimension",
            "gru.b_hh: 3*dimension",
            "attention.a1.weight: dimension, dimension",
            "attention.a2.weight: dimension, dimension",
            "attention.v.weight: 1, dimension",
            "bilinear.weight: embedding_dimension, 2*dimension",
        ],
    ),
    (
        "stamp",
        &[
            "embedding: items + 1, dimension",
            "attention.w1.weight: dimension, dimension",
            "attention.w2.weight: dimension, dimension",
            "attention.w3.weight: dimension, dimension",
            "attention.w0.weight: 1, dimension",
            "memory.weight: dimension, dimension",
            "trigger.weight: dimension, dimension",
        ],
    ),
    (
        "sr-gnn",
        &[
            "embedding: items + 1, dimension",
            "ggnn.w_ih: 3*dimension, 2*dimension",
            "ggnn.w_hh: 3*dimension, dimension",
            "ggnn.b_ih: 3*dimension",
            "ggnn.b_hh: 3*dimension",
            "ggnn.message_bias: 2*dimension",
            "ggnn.edge.weight: 2*dimension, dimension",
            "ggnn.edge.bias: 2*dimension",
            "readout.w1.weight: dimension, dimension",
            "readout.w1.bias: dimension",
            "readout.w2.weight: dimension, dimension",
            "readout.w2.bias: dimension",
            "readout.q.weight: 1, dimension",
            "readout.w3.weight: dimension, 2*dimension",
            "readout.w3.bias: dimension",
        ],
    ),
    ("m-sr", &MSR),
    ("mkm-sr", &MKM_SR),
];

const MSR: [&str; 21] = [
    "entity: entities + 1, dimension",
    "relation: operations + relations + 1, dimension",
    "ggnn.w_ih: 3*dimension, 2*dimension",
    "ggnn.w_hh: 3*dimension, dimension",
    "ggnn.b_ih: 3*dimension",
    "ggnn.b_hh: 3*dimension",
    "ggnn.message_bias: 2*dimension",
    "ggnn.edge.weight: 2*dimension, dimension",
    "ggnn.edge.bias: 2*dimension",
    "gru.w_ih: 3*dimension, dimension",
    "gru.w_hh: 3*dimension, dimension",
    "gru.b_ih: 3*dimension",
    "gru.b_hh: 3*dimension",
    "readout.w1.weight: 2*dimension, 2*dimension",
    "readout.w1.bias: 2*dimension",
    "readout.w2.weight: 2*dimension, 2*dimension",
    "readout.w2.bias: 2*dimension",
    "readout.q.weight: 1, 2*dimension",
    "readout.q.bias: 1",
    "readout.w3.weight: dimension, 4*dimension",
    "readout.w3.bias: dimension",
];

const GRU4REC: &[&str] = &[
    "gru.w_x: dimension, 3*dimension",
    "gru.u_rz: dimension, 2*dimension",
    "gru.u_c: dimension, dimension",
    "gru.b: 3*dimension",
    "output.weight: items + 1, dimension",
    "output.bias: items + 1, 1",
];

/// The normals of the hyperplanes, then what M-SR has.
const MKM_SR: [&str; 22] = {
    let mut weights = ["normal: relations + 1, dimension"; 22];
    let mut place = 0;
    while place < MSR.len() {
        weights[place + 1] = MSR[place];
        place += 1;
    }
    weights
};

#[test]
fn the_names_and_shapes_of_weights_stay_as_they_are_written_here() {
    let models = models();
    for (name, _) in WEIGHTS {
        assert!(models.iter().any(|model| model["name"] == *name), "`{name}` is gone: take it off the list here");
    }
    for model in models {
        let name = model["name"].as_str().unwrap();
        let found: Vec<String> = model["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| {
                let sizes = parameter["shape"].as_array().unwrap().iter().map(|size| size.as_str().unwrap());
                format!("{}: {}", parameter["name"].as_str().unwrap(), sizes.collect::<Vec<_>>().join(", "))
            })
            .collect();
        if model["defaults"]["training"].is_null() {
            assert_eq!(model["parameters"], json!([]), "`{name}` counts");
            continue;
        }
        let written = WEIGHTS.iter().find(|(other, _)| *other == name);
        let (_, expected) = written.unwrap_or_else(|| panic!("`{name}` is not in the list here: add {found:#?}"));
        assert_eq!(found, *expected, "{name}");
    }
}
