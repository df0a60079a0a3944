//! TransH (Wang, Zhang, Feng, Chen, AAAI 2014), learned from triples alone: the entities' vectors without any session.
//!
//! The idea: each relation has a hyperplane; on it, the head moved by the relation's vector should lie near the tail, and
//! nearer than a head or a tail drawn by chance.
//!
//! **Deviations from the paper, as OpenKE has it:** projections and translations are scaled to length 1, which takes the
//! place of the soft constraints; a triple that is known is never drawn. **From OpenKE:** the length is the Euclidean one
//! (there the sum of absolute values), Adam in place of plain descent, each triple once in an epoch.
//! Unlike MKM-SR's own task (eq. 12), which has true triples alone, this one can be measured by itself: `link_prediction`
//! ranks the heads and tails of triples that it has not seen.
//! Used by: Figure 4 of MKM-SR.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::{Kind, Tensor};

use super::{Learned, Material, parse};
use crate::dataset::Knowledge;
use crate::error::TrainerError;
use crate::model::positive;
use crate::nn::{Adam, Energy, Initializer, Parameters, Rule, Table, TransH as Triples};
use crate::seed::{SplitMix, Stream, permutation};

/// Settings of TransH.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width `d` of a vector.
    pub dimension: NonZeroU32,
    /// By how much a drawn triple should be wrong beyond a true one. Lengths are between 0 and 3 here, and with the margins
    /// of 1 and more of sums of absolute values every drawn triple pushes for ever: on FB15k-237 Hits@10 falls from 0.33
    /// after two epochs to 0.32 after fifty, where a quarter reaches 0.43 after thirty.
    #[schemars(range(min = 0.0))]
    pub margin: f64,
    /// Entities drawn for each triple.
    pub negatives: NonZeroU32,
    /// Passes over the triples.
    pub epochs: NonZeroU32,
    /// Triples a step.
    pub batch: NonZeroU32,
    /// Adam's rate.
    #[schemars(range(min = 0.0))]
    pub learning_rate: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dimension: positive(100),
            margin: 0.25,
            negatives: positive(10),
            epochs: positive(50),
            batch: positive(1024),
            learning_rate: 1e-3,
        }
    }
}

/// Learns the vectors of all entities; those of the items come first among them and stand in a table of their own too.
pub(super) fn learn(config: &Value, material: &Material<'_>) -> Result<Learned, TrainerError> {
    let config: Config = parse(config)?;
    let knowledge = material.knowledge.ok_or_else(|| {
        TrainerError::data("`transh` learns from triples, but the job names no knowledge", "give a `knowledge` input")
    })?;
    let mut said = material.said(knowledge.triples() * config.epochs.get() as usize);
    let transh = TransH::learn(&config, knowledge, material.seed, &mut said);
    let rows = |table: &Table, count: i64| table.first(count).copy();
    Ok(vec![
        ("items", rows(&transh.entity, material.meta.items)),
        ("entities", rows(&transh.entity, knowledge.entities)),
        ("relations", rows(&transh.translation, knowledge.relations)),
        ("normals", rows(&transh.normal, knowledge.relations)),
    ])
}

/// Vectors of entities, and translations and hyperplane normals of relations.
#[derive(Debug)]
pub struct TransH {
    entity: Table,
    translation: Table,
    normal: Table,
}

impl TransH {
    /// Learns from `knowledge`; `said` hears how many triples are done.
    pub fn learn(config: &Config, knowledge: &Knowledge, seed: u64, said: &mut impl FnMut(usize)) -> Self {
        let d = i64::from(config.dimension.get());
        let mut init = Initializer::new(seed);
        let mut table = |name: &str, rows: i64| Table::new(&mut init, name, rows, d, Rule::glorot(rows, d));
        let this = Self {
            entity: table("entity", knowledge.entities),
            translation: table("translation", knowledge.relations),
            normal: table("normal", knowledge.relations),
        };
        let parameters = Parameters::gather(init, knowledge.head.device());
        let mut adam = Adam::new(&parameters);
        let corruption = Corruption::new(knowledge);
        for epoch in 1..=config.epochs.get() {
            let order = permutation(seed, Stream::Triples, epoch, knowledge.triples());
            let mut generator = Stream::Negatives.generator(seed, epoch);
            for triples in order.chunks(config.batch.get() as usize) {
                let (drawn, of_head) = corruption.draw(&mut generator, triples, config.negatives.get());
                let triples = Tensor::from_slice(triples).to_device(knowledge.head.device());
                this.loss(knowledge, &triples, &drawn, &of_head, config.margin).backward();
                adam.step(&parameters, config.learning_rate, 0.0, &[]);
                said(usize::try_from(triples.size()[0]).expect("a size"));
            }
        }
        this
    }

    /// The mean over the triples `[B]` and the entities `drawn` `[B, k]` for each, in the place of its head where
    /// `of_head` `[B]` says so, else of its tail, of `max(0, margin + energy of the triple - energy of the drawn one)`.
    fn loss(&self, knowledge: &Knowledge, triples: &Tensor, drawn: &Tensor, of_head: &Tensor, margin: f64) -> Tensor {
        let column = |ids: &Tensor| ids.index_select(0, triples);
        let relation = column(&knowledge.relation);
        let (head, tail) = (self.entity.rows(&column(&knowledge.head)), self.entity.rows(&column(&knowledge.tail)));
        let (translation, normal) = (self.translation.rows(&relation), self.normal.rows(&relation));
        let positive =
            Triples { head: &head, translation: &translation, normal: &normal, tail: &tail }.energy(Energy::Normalized);

        // ||x + d - t|| with a drawn head x is ||x - (t - d)||, and ||h + d - x|| is ||x - (h + d)||.
        let (w, d) = (unit(&normal), unit(&translation)); // [B, d]
        let on_plane = |x: &Tensor| unit(&(x - (x * &w).sum_dim_intlist(1, true, Kind::Float) * &w));
        let goal = (on_plane(&tail) - &d).where_self(&of_head.unsqueeze(1), &(on_plane(&head) + &d)); // [B, d]
        let [batch, k] = [drawn.size()[0], drawn.size()[1]];
        let x = self.entity.rows(&drawn.view_([-1])).view_([batch, k, -1]); // [B, k, d]
        let dot = |a: &Tensor| x.bmm(&a.unsqueeze(2)).squeeze_dim(2); // [B, k]
        let (along, length) = (dot(&w), x.square().sum_dim_intlist(2, false, Kind::Float));
        let goal_along = (&goal * &w).sum_dim_intlist(1, true, Kind::Float); // [B, 1]
        let cosine = (dot(&goal) - &along * goal_along) / (length - along.square()).clamp_min(1e-12).sqrt();
        let of_goal = goal.square().sum_dim_intlist(1, true, Kind::Float); // [B, 1]
        let negative = (of_goal + 1.0 - cosine * 2.0).clamp_min(1e-12).sqrt();
        (positive.unsqueeze(1) + margin - negative).relu().mean(Kind::Float)
    }

    /// Ranks the head and the tail of each of `triples` among all entities by energy, the lowest first. An entity that
    /// makes another triple of `known` stands out of the ranking; of equal energies half stand before.
    #[must_use]
    pub fn link_prediction(&self, entities: i64, triples: &Knowledge, known: &[&Knowledge]) -> LinkPrediction {
        let mut by_relation: BTreeMap<i64, Vec<[i64; 3]>> = BTreeMap::new();
        for triple in rows(triples) {
            by_relation.entry(triple[1]).or_default().push(triple);
        }
        let mut others: BTreeMap<(bool, i64, i64), Vec<i64>> = BTreeMap::new();
        for [head, relation, tail] in known.iter().flat_map(|known| rows(known)).chain(rows(triples)) {
            others.entry((true, relation, tail)).or_default().push(head - 1);
            others.entry((false, relation, head)).or_default().push(tail - 1);
        }
        let device = triples.head.device();
        let mut ranks = Vec::new();
        for (relation, triples) in by_relation {
            let id = Tensor::from_slice(&[relation]).to_device(device);
            let (w, d) = (unit(&self.normal.rows(&id).detach()), unit(&self.translation.rows(&id).detach()));
            let all = self.entity.first(entities);
            let plane = unit(&(&all - all.matmul(&w.tr()) * &w)); // [E, d]
            for [head, _, tail] in triples {
                for of_head in [true, false] {
                    let (target, given) = if of_head { (head, tail) } else { (tail, head) };
                    let given_row = plane.narrow(0, given - 1, 1);
                    let goal = if of_head { given_row - &d } else { given_row + &d }; // [1, d]
                    let near = plane.matmul(&goal.tr()).squeeze_dim(1); // [E], the higher the lower the energy
                    let target_near = near.double_value(&[target - 1]);
                    let _ = near.shallow_clone().index_fill_(
                        0,
                        &Tensor::from_slice(&others[&(of_head, relation, given)]).to_device(device),
                        f64::NEG_INFINITY,
                    );
                    let before = near.gt(target_near).sum(Kind::Int64).int64_value(&[]) as f64;
                    let ties = near.eq(target_near).sum(Kind::Int64).int64_value(&[]) as f64;
                    ranks.push(1.0 + before + ties / 2.0);
                }
            }
        }
        LinkPrediction::of(&ranks)
    }
}

/// How well heads and tails were found, each counted once for a triple.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkPrediction {
    /// The mean of one over the rank.
    pub mrr: f64,
    /// The share of ranks up to 10.
    pub hits_at_10: f64,
}

impl LinkPrediction {
    fn of(ranks: &[f64]) -> Self {
        let mean = |of: fn(f64) -> f64| ranks.iter().map(|&rank| of(rank)).sum::<f64>() / ranks.len() as f64;
        Self { mrr: mean(|rank| 1.0 / rank), hits_at_10: mean(|rank| f64::from(u8::from(rank <= 10.0))) }
    }
}

/// Head, relation and tail of each triple.
fn rows(knowledge: &Knowledge) -> Vec<[i64; 3]> {
    let host = |column: &Tensor| Vec::<i64>::try_from(column).expect("flat int64");
    let (heads, relations, tails) = (host(&knowledge.head), host(&knowledge.relation), host(&knowledge.tail));
    heads.into_iter().zip(relations).zip(tails).map(|((head, relation), tail)| [head, relation, tail]).collect()
}

fn unit(x: &Tensor) -> Tensor {
    x / x.norm_scalaropt_dim(2, [-1], true).clamp_min(1e-12)
}

/// Entities in the place of heads or tails.
struct Corruption {
    triples: Vec<[i64; 3]>,
    known: HashSet<[i64; 3]>,
    entities: u64,
    /// For each relation, from 1, how often the head is replaced: the more tails a head has there, the more often.
    head_share: Vec<f64>,
    device: tch::Device,
}

impl Corruption {
    fn new(knowledge: &Knowledge) -> Self {
        let triples = rows(knowledge);
        let relations = usize::try_from(knowledge.relations).expect("a count") + 1;
        let (mut count, mut heads, mut tails) = (vec![0.0; relations], vec![0.0; relations], vec![0.0; relations]);
        let (mut seen_heads, mut seen_tails) = (HashSet::new(), HashSet::new());
        for &[head, relation, tail] in &triples {
            let place = usize::try_from(relation).expect("a number");
            count[place] += 1.0;
            heads[place] += f64::from(u8::from(seen_heads.insert((relation, head))));
            tails[place] += f64::from(u8::from(seen_tails.insert((relation, tail))));
        }
        // Tails a head, and heads a tail: (count / heads) / (count / heads + count / tails).
        let share = |place: usize| if count[place] == 0.0 { 0.5 } else { tails[place] / (heads[place] + tails[place]) };
        Self {
            known: triples.iter().copied().collect(),
            entities: knowledge.entities.unsigned_abs(),
            head_share: (0..relations).map(share).collect(),
            device: knowledge.head.device(),
            triples,
        }
    }

    /// For each of these triples `each` entities that make no known triple in its place `[B, each]`, and whether the
    /// place is that of the head `[B]`. Where nearly every entity makes one, a known triple may come.
    fn draw(&self, generator: &mut SplitMix, triples: &[i64], each: u32) -> (Tensor, Tensor) {
        let (mut drawn, mut of_head) = (Vec::with_capacity(triples.len() * each as usize), Vec::new());
        for &number in triples {
            let [head, relation, tail] = self.triples[usize::try_from(number).expect("a number")];
            let place = usize::try_from(relation).expect("a number");
            let replaces_head = generator.unit() < self.head_share[place];
            for _ in 0..each {
                let mut entity = 0;
                for _ in 0..100 {
                    entity = generator.below(self.entities).cast_signed() + 1;
                    let other = if replaces_head { [entity, relation, tail] } else { [head, relation, entity] };
                    if !self.known.contains(&other) {
                        break;
                    }
                }
                drawn.push(entity);
            }
            of_head.push(replaces_head);
        }
        let drawn = Tensor::from_slice(&drawn).view_([-1, i64::from(each)]);
        (drawn.to_device(self.device), Tensor::from_slice(&of_head).to_device(self.device))
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    fn knowledge(entities: i64, relations: i64, triples: &[[i64; 3]]) -> Knowledge {
        let column = |place: usize| Tensor::from_slice(&triples.iter().map(|triple| triple[place]).collect::<Vec<_>>());
        Knowledge { entities, relations, head: column(0), relation: column(1), tail: column(2) }
    }

    /// Vectors that are given: entities, translations and normals of width 2.
    fn given(entity: &[f32], translation: &[f32], normal: &[f32]) -> (TransH, Parameters) {
        let mut init = Initializer::new(1);
        let mut table = |name: &str, values: &[f32]| {
            let table = Table::new(&mut init, name, values.len() as i64 / 2, 2, Rule::Zero);
            let mut rows = table.first(values.len() as i64 / 2);
            rows.copy_(&Tensor::from_slice(values).view_([-1, 2]));
            table
        };
        let transh = TransH {
            entity: table("entity", entity),
            translation: table("translation", translation),
            normal: table("normal", normal),
        };
        let parameters = Parameters::gather(init, Device::Cpu);
        (transh, parameters)
    }

    #[test]
    fn the_energy_of_a_drawn_entity_is_that_of_the_triple_that_it_makes() {
        let vectors = [0.3, 0.9, -0.4, 0.2, 0.8, -0.5];
        let (transh, _) = given(&vectors, &[0.1, 0.7], &[0.6, 0.8]);
        let knowledge = knowledge(3, 1, &[[1, 1, 2]]);
        let row = |entity: usize| Tensor::from_slice(&vectors[2 * entity - 2..2 * entity]).unsqueeze(0);
        let energy = |head: usize, tail: usize| {
            let (head, tail) = (row(head), row(tail));
            let (translation, normal) = (Tensor::from_slice(&[0.1f32, 0.7]), Tensor::from_slice(&[0.6f32, 0.8]));
            let triple = Triples {
                head: &head,
                translation: &translation.unsqueeze(0),
                normal: &normal.unsqueeze(0),
                tail: &tail,
            };
            triple.energy(Energy::Normalized).double_value(&[0])
        };
        for (of_head, drawn, other) in [(true, 3, energy(3, 2)), (false, 3, energy(1, 3)), (false, 1, energy(1, 1))] {
            let ids = Tensor::from_slice(&[drawn as i64]).unsqueeze(0);
            let (triples, of_head) = (Tensor::from_slice(&[0i64]), Tensor::from_slice(&[of_head]));
            let loss = transh.loss(&knowledge, &triples, &ids, &of_head, 5.0).double_value(&[]);
            assert!((loss - (5.0 + energy(1, 2) - other)).abs() < 1e-5, "{loss}");
        }
    }

    #[test]
    fn heads_and_tails_are_ranked_without_other_known_triples_by_hand() {
        // The plane of the normal (0, 1) is a line: of each vector only the sign of its first number is left.
        let (transh, _) = given(&[1., 0., -1., 0., 1., 5., -1., 9.], &[1., 0.], &[0., 1.]);
        // Heads that move by +1 from 1: 1 -> anything with +1 first: entities 1 and 3 tie, 2 and 4 are far.
        let test = knowledge(4, 1, &[[1, 1, 3]]);
        let found = transh.link_prediction(4, &test, &[]);
        // Tail 3 ties with entity 1: rank 1.5. Head 1: t - d = 0 is as near to all four: three ties, rank 2.5.
        assert!((found.mrr - (1.0 / 1.5 + 1.0 / 2.5) / 2.0).abs() < 1e-9 && found.hits_at_10 == 1.0, "{found:?}");
        // With (1, 1, 1) and (4, 1, 3) known, entity 1 as a tail and entity 4 as a head stand out.
        let known = knowledge(4, 1, &[[1, 1, 1], [4, 1, 3]]);
        let found = transh.link_prediction(4, &test, &[&known]);
        assert!((found.mrr - (1.0 + 1.0 / 2.0) / 2.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn drawn_triples_are_not_known_and_the_side_with_fewer_rivals_is_replaced_more_often() {
        // Relation 1 leads from one head to eight tails; relation 2 from eight heads to one tail.
        let triples: Vec<[i64; 3]> = (2..10).flat_map(|other| [[1, 1, other], [other, 2, 1]]).collect();
        let corruption = Corruption::new(&knowledge(12, 2, &triples));
        assert_eq!(corruption.head_share, [0.5, 8.0 / 9.0, 1.0 / 9.0]);
        let mut generator = Stream::Negatives.generator(1, 1);
        for (number, &[head, relation, tail]) in triples.iter().enumerate() {
            let (drawn, of_head) = corruption.draw(&mut generator, &[number as i64], 40);
            let of_head = of_head.int64_value(&[0]) == 1;
            for entity in Vec::<i64>::try_from(drawn.view_([-1])).expect("ids") {
                let made = if of_head { [entity, relation, tail] } else { [head, relation, entity] };
                assert!((1..=12).contains(&entity) && !triples.contains(&made), "{made:?}");
            }
        }
    }

    #[test]
    fn a_planted_pattern_is_found_in_triples_that_were_not_seen() {
        // Relation 1 leads from entity i to i + 20, for 20 entities; relation 2 back. One triple is held out.
        let all: Vec<[i64; 3]> = (1..=20).flat_map(|i| [[i, 1, i + 20], [i + 20, 2, i]]).collect();
        let (seen, held) = all.split_at(39);
        let config =
            Config { dimension: positive(16), epochs: positive(400), batch: positive(16), ..Config::default() };
        let seen = knowledge(40, 2, seen);
        let transh = TransH::learn(&config, &seen, 1, &mut |_| ());
        let found = transh.link_prediction(40, &knowledge(40, 2, held), &[&seen]);
        // By chance MRR would be about 0.1.
        assert!(found.mrr > 0.4, "{found:?}");
        let again = TransH::learn(&config, &seen, 1, &mut |_| ());
        assert!(transh.entity.first(40).equal(&again.entity.first(40)), "a seed gives the same vectors");
    }
}
