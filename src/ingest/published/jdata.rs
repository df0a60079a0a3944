//! JDATA, the contest of JD.com in 2019.

use super::{DataSet, Evidence, File, Need};

/// Five CSV files, 2018-02-01 to 2018-04-15.
pub(super) const JDATA: DataSet = DataSet {
    name: "jdata",
    aliases: &["jdata-n"],
    title: "JDATA 2019 (contest of JD.com)",
    owner: "JD.com",
    page: "https://jdata.jd.com/html/detail.html?id=8",
    how: "sign in there; the contest is over, so the files may have to be asked for",
    terms: "the terms of the contest, which are accepted on its page",
    files: &[
        File::csv("jdata_action.csv", &["user_id", "sku_id", "action_time", "module_id", "type"], "`ingest`: the log")
            .seen(Evidence::Code)
            .rows(37_214_269, Evidence::Code),
        File::csv(
            "jdata_product.csv",
            &["sku_id", "brand", "shop_id", "cate", "market_time"],
            "`ingest`: brand, shop, category and launch of items",
        )
        .seen(Evidence::Code)
        .rows(352_539, Evidence::Code),
        File::csv(
            "jdata_user.csv",
            &["user_id", "age", "sex", "user_reg_tm", "user_lv_cd", "city_level", "province", "city", "county"],
            "`ingest`: what is known of users",
        )
        .need(Need::Optional)
        .seen(Evidence::Code)
        .rows(1_608_707, Evidence::Code),
        File::csv(
            "jdata_shop.csv",
            &["vender_id", "shop_id", "fans_num", "vip_num", "shop_reg_tm", "cate", "shop_score"],
            "`ingest`: what is known of shops",
        )
        .need(Need::Optional)
        .seen(Evidence::Code)
        .rows(10_399, Evidence::Code),
        File::csv(
            "jdata_comment.csv",
            &["dt", "sku_id", "comments", "good_comments", "bad_comments"],
            "`ingest`: comments by day",
        )
        .need(Need::Optional)
        .seen(Evidence::Code)
        .rows(1_774_233, Evidence::Code),
    ],
};
