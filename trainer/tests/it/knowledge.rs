//! The strategies of learning knowledge beside sessions, by what training with each of them writes.

use crate::process::{Workplace, bytes, models, small};
use serde_json::{Value, json};

/// Trains MKM-SR under a knowledge setting, and gives its curve and the bytes of its kept weights.
fn train(workplace: &Workplace, knowledge: &Value, epochs: u32) -> (Vec<Value>, Vec<u8>) {
    let model = models().into_iter().find(|model| model["name"] == "mkm-sr").unwrap();
    let mut config = small(&model["defaults"], epochs);
    config["knowledge"] = knowledge.clone();
    workplace.run(&workplace.train_job(&model, &config, "trained")).succeeded();
    let folder = workplace.path("trained");
    let curve = String::from_utf8(bytes(&folder, "curve.jsonl")).unwrap();
    let curve = curve.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (curve, bytes(&folder, "best.safetensors"))
}

fn losses(curve: &[Value]) -> Vec<Option<f64>> {
    curve.iter().map(|line| line["knowledge_loss"].as_f64()).collect()
}

#[test]
fn alternating_and_joint_training_learn_from_triples_in_each_epoch_and_pre_training_before_the_first() {
    let workplace = Workplace::new();
    let falls = |losses: &[Option<f64>]| losses.windows(2).all(|pair| pair[1].unwrap() < pair[0].unwrap());
    for knowledge in [json!({ "alternating": { "lambda": 1.0 } }), json!({ "joint": { "lambda": 1.0 } })] {
        let (curve, _) = train(&workplace, &knowledge, 3);
        assert!(falls(&losses(&curve)), "{knowledge}: {:?}", losses(&curve));
    }
    let first = |epochs: u32| {
        let (curve, _) = train(&workplace, &json!({ "pre-training": { "epochs": epochs } }), 3);
        let losses = losses(&curve);
        assert_eq!(losses[1..], [None, None]);
        losses[0]
    };
    let by_passes = [first(1), first(2), first(8)];
    assert!(falls(&by_passes), "{by_passes:?}");
}

#[test]
fn joint_training_with_the_square_of_a_weight_is_that_with_its_square_as_the_weight() {
    let workplace = Workplace::new();
    let joint =
        |lambda: f64, weight: &str| train(&workplace, &json!({ "joint": { "lambda": lambda, "weight": weight } }), 2);
    let (squared, plain, other) = (joint(0.5, "lambda-squared"), joint(0.25, "lambda"), joint(0.5, "lambda"));
    assert!(squared == plain);
    assert!(plain.1 != other.1);
}

#[test]
fn the_energy_of_the_authors_code_is_another_one_than_that_of_the_paper() {
    let workplace = Workplace::new();
    let energies = ["squared", "normalized"].map(|energy| {
        let knowledge = json!({ "alternating": { "lambda": 1.0, "energy": energy } });
        losses(&train(&workplace, &knowledge, 1).0)[0].unwrap()
    });
    // Of width 8 and deviation 0.1: three times 8 times 0.01, less what the projections take. Of unit length: up to 3.
    assert!((0.1..0.5).contains(&energies[0]) && (1.0..2.5).contains(&energies[1]), "{energies:?}");
}

#[test]
fn knowledge_steps_that_move_everything_differ_from_the_second_epoch_on() {
    let workplace = Workplace::new();
    let trained = |moves: &str, epochs: u32| {
        train(&workplace, &json!({ "alternating": { "lambda": 1.0, "moves": moves } }), epochs)
    };
    assert!(trained("tables", 1) == trained("everything", 1), "nothing else has had a gradient before");
    let (tables, everything) = (trained("tables", 2).0, trained("everything", 2).0);
    assert!(tables[0] == everything[0] && tables[1] != everything[1]);
}
