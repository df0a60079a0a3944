//! Names and shapes of weights, written by hand: people put weights of other programs in under these names.

use crate::process::models;
use serde_json::json;
use std::collections::BTreeMap;

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
    (
        "rib",
        &[
            "item: items + 1, dimension",
            "operation: operations + 1, dimension",
            "gru.w_ih: 3*dimension, 2*dimension",
            "gru.w_hh: 3*dimension, dimension",
            "gru.b_ih: 3*dimension",
            "gru.b_hh: 3*dimension",
            "attention.w.weight: dimension, dimension",
            "attention.w.bias: dimension",
            "attention.v.weight: 1, dimension",
            "out.weight: dimension, dimension",
            "out.bias: dimension",
        ],
    ),
];

/// What the members of MKM-SR's family are made of.
const FAMILY: &[(&str, &[&[&str]])] = &[
    ("km-sr", &[&["normal: relations + 1, dimension", ENTITY, "relation: relations + 1, dimension"], GGNN, NARROW]),
    ("m-gru-sr", &[&[ENTITY, "pair: items*operations + 1, dimension"], GRU, NARROW]),
    ("m-ggnn-sr", &[&[ENTITY, "pair: items*operations + 1, dimension"], GGNN, NARROW]),
    ("m-ggnnx2-sr", &[&[ENTITY, "relation: operations + 1, dimension"], GGNN, OPERATION_GGNN, WIDE]),
    ("m-sr", &[&[ENTITY, "relation: operations + 1, dimension"], GGNN, GRU, WIDE]),
    (
        "mkm-sr",
        &[
            &["normal: relations + 1, dimension", ENTITY, "relation: operations + relations + 1, dimension"],
            GGNN,
            GRU,
            WIDE,
        ],
    ),
];

const ENTITY: &str = "entity: entities + 1, dimension";

const GGNN: &[&str] = &[
    "ggnn.w_ih: 3*dimension, 2*dimension",
    "ggnn.w_hh: 3*dimension, dimension",
    "ggnn.b_ih: 3*dimension",
    "ggnn.b_hh: 3*dimension",
    "ggnn.message_bias: 2*dimension",
    "ggnn.edge.weight: 2*dimension, dimension",
    "ggnn.edge.bias: 2*dimension",
];

const OPERATION_GGNN: &[&str] = &[
    "operation_ggnn.w_ih: 3*dimension, 2*dimension",
    "operation_ggnn.w_hh: 3*dimension, dimension",
    "operation_ggnn.b_ih: 3*dimension",
    "operation_ggnn.b_hh: 3*dimension",
    "operation_ggnn.message_bias: 2*dimension",
    "operation_ggnn.edge.weight: 2*dimension, dimension",
    "operation_ggnn.edge.bias: 2*dimension",
];

const GRU: &[&str] = &[
    "gru.w_ih: 3*dimension, dimension",
    "gru.w_hh: 3*dimension, dimension",
    "gru.b_ih: 3*dimension",
    "gru.b_hh: 3*dimension",
];

/// A readout of micro-behaviors of width `d`.
const NARROW: &[&str] = &[
    "readout.w1.weight: dimension, dimension",
    "readout.w1.bias: dimension",
    "readout.w2.weight: dimension, dimension",
    "readout.w2.bias: dimension",
    "readout.q.weight: 1, dimension",
    "readout.q.bias: 1",
    "readout.w3.weight: dimension, 2*dimension",
    "readout.w3.bias: dimension",
];

/// A readout of micro-behaviors of width `2d`.
const WIDE: &[&str] = &[
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

/// The weights of every model, by its name.
fn written() -> BTreeMap<&'static str, Vec<&'static str>> {
    let plain = WEIGHTS.iter().map(|(name, weights)| (*name, weights.to_vec()));
    plain.chain(FAMILY.iter().map(|(name, parts)| (*name, parts.concat()))).collect()
}

#[test]
fn the_names_and_shapes_of_weights_stay_as_they_are_written_here() {
    let (models, written) = (models(), written());
    for name in written.keys() {
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
        let expected = written.get(name).unwrap_or_else(|| panic!("`{name}` is not written here: add {found:#?}"));
        assert_eq!(found, *expected, "{name}");
    }
}
