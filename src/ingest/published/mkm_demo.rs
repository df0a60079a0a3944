//! The Demo set that the authors of MKM-SR published: sparse JDATA, cut, split, and with its knowledge.

use super::{DataSet, Evidence, File, Need};

const EVENT: &[&str] = &["action_time", "user_id", "sku_id", "type", "sessionId", "index"];
const ENTITY: &[&str] = &["entity", "id", "type"];
const RELATION: &[&str] = &["relation", "id"];
const TRIPLE: &[&str] = &["head", "tail", "relation"];

const DROP: &str = "`ingest` with `cold_items: drop` (Demo)";
const KEEP: &str = "`ingest` with `cold_items: keep` (Demo(N))";

/// Two variants beside each other: without the cold items and with them.
pub(super) const MKM_DEMO: DataSet = DataSet {
    name: "mkm-demo",
    aliases: &["demo", "demo-n"],
    title: "Demo and Demo(N) of MKM-SR",
    owner: "the authors of MKM-SR (W. Meng, D. Yang, Y. Xiao)",
    page: "https://github.com/ciecus/MKM-SR",
    how: "clone the repository; the files lie in its folder of the demo data",
    terms: "the repository gives no licence: to read them is one thing, to hand them on needs the authors' leave",
    files: &[
        File::csv("train.csv", EVENT, "`ingest`: the log up to the cut")
            .rows(27_183, Evidence::File)
            .bytes("plain", 1_491_596),
        File::csv("test.csv", EVENT, DROP).rows(2262, Evidence::File).bytes("plain", 125_359),
        File::tsv("no_new_item/entity2id", ENTITY, DROP).rows(16_706, Evidence::File).bytes("plain", 278_781),
        File::tsv("no_new_item/kg2id", TRIPLE, DROP).rows(48_780, Evidence::File).bytes("plain", 638_515),
        File::tsv("no_new_item/relation2id", RELATION, DROP).rows(4, Evidence::File).bytes("plain", 62),
        File::csv("test_new_item.csv", EVENT, KEEP).rows(3177, Evidence::File).bytes("plain", 175_981),
        File::tsv("with_new_item/entity2id", ENTITY, KEEP).rows(17_650, Evidence::File).bytes("plain", 295_262),
        File::tsv("with_new_item/kg2id", TRIPLE, KEEP).rows(51_884, Evidence::File).bytes("plain", 681_971),
        File::tsv("with_new_item/relation2id", RELATION, KEEP).rows(4, Evidence::File).bytes("plain", 62),
        File::tsv("no_new_item/relation_operation2id", RELATION, "no stage: operations are numbered anew")
            .need(Need::Unread)
            .rows(8, Evidence::File),
        File::tsv("with_new_item/relation_operation2id", RELATION, "no stage: operations are numbered anew")
            .need(Need::Unread)
            .rows(8, Evidence::File),
    ],
};
