//! Sound files of every format, each with a row or two. Tests and fuzz targets break them.

use super::Format;

/// Sound files of a format, each with a row or two: what is broken below.
pub(super) fn sound(format: Format) -> Vec<Vec<(&'static str, &'static [u8])>> {
    match format {
        Format::Jdata => vec![vec![
            ("jdata_action.csv", b"user_id,sku_id,action_time,module_id,type\n9,4,2018-03-05 09:15:02,6,1\n"),
            ("jdata_product.csv", b"sku_id,brand,shop_id,cate,market_time\n4,5.0,7,12,2016-09-01 10:00:00.0\n"),
            ("jdata_user.csv", b"user_id,age,sex,user_reg_tm,user_lv_cd,city_level,province,city,county\n9,4.0,1,2013-02-03 11:22:33.0,5,3,1,2,3\n"),
        ]],
        Format::MkmDemo => vec![vec![
            ("train.csv", b"action_time,user_id,sku_id,type,sessionId,index\n2018-03-01 00:00:06,5,70,1,42,1.0\n"),
            ("test.csv", b"action_time,user_id,sku_id,type,sessionId,index\n2018-03-03 07:12:44,6,71,2,43,1.0\n"),
            ("no_new_item/relation2id", b"relation\tid\nitem-brand\t1\n"),
            ("no_new_item/entity2id", b"entity\tid\ttype\n70\t1\titem\n9\t3\tbrand\n"),
            ("no_new_item/kg2id", b"head\ttail\trelation\n1\t3\t1\n"),
        ]],
        Format::Kkbox => vec![vec![
            ("train.csv", b"msno,song_id,source_system_tab,source_screen_name,source_type,target\nu,s,search,null,song,1\n"),
            ("songs.csv", b"song_id,song_length,genre_ids,artist_name,composer,lyricist,language\ns,20,4|1,\"A, \"\"B\",E|  F,,52.0\n"),
            ("song_extra_info.csv", b"song_id,name,isrc\ns,\"one\ntwo\",USXYZ1700042\n"),
            ("members.csv", b"msno,city,bd,gender,registered_via,registration_init_time,expiration_date\nu,1,0,,7,20110820,19700101\n"),
        ]],
        Format::Trivago => vec![vec![
            (
                "train.csv",
                b"user_id,session_id,timestamp,step,action_type,reference\nU,s,1541030455,3,clickout item,701\nU,s,1,4,search for poi,\"x, y\"\n",
            ),
            ("item_metadata.csv", b"item_id,properties\n701,Hotel|4 Star\n"),
        ]],
        Format::JdMicro => vec![vec![("log", b"5550001+5+753+12+40 77700000001+10+753+28+40\n1+5+7+1+1\n")]],
        Format::Movielens => vec![
            vec![
                ("ratings.dat", b"12::3405::4::965330001\n"),
                ("movies.dat", b"3405::Mis\xe9rables (1995)::Drama|Musical\n"),
                ("users.dat", b"12::F::25::10::48067\n"),
            ],
            vec![
                ("ratings.csv", b"userId,movieId,rating,timestamp\n1,7,3.5,1112486027\n"),
                ("movies.csv", b"movieId,title,genres\n7,\"President, The (1995)\",(no genres listed)\n"),
            ],
        ],
        Format::Lastfm => vec![
            vec![
                ("LFM-1b_LEs.txt", b"31\t500\t7001\t90001\t1388534400\n"),
                ("LFM-1b_tracks.txt", b"90001\t\"Heroes\"\t500\n"),
                ("LFM-1b_artists.txt", b"500\tX\n"),
                ("LFM-1b_users.txt", b"user_id\tcountry\tage\tgender\tplaycount\tregistered_unixtime\n31\t\t-1\tn\t1\t9\n"),
            ],
            vec![
                ("userid-timestamp-artid-artname-traid-traname.tsv", b"u\t2009-01-02T03:04:05Z\t\tA\t\tB\n"),
                ("userid-profile.tsv", b"#id\tgender\tage\tcountry\tregistered\nu\tm\t\tX\tAug 13, 2006\n"),
            ],
        ],
        Format::Amazon => vec![vec![("Books.csv", b"000999999X,A0USER0000001,5.0,1357516800\n")]],
        Format::Table => vec![vec![
            ("log.csv", b"s;u;i;o;d;ms\n1;NA;7;view;2016-05-09;526309\n"),
            ("items.csv", b"i,c\n7,\"a,b\"\n"),
        ]],
    }
}

/// Which column of the sound table is what.
pub(super) const MAPPING: &str = r#"{
    "log": "log.csv",
    "layout": { "delimiter": ";" },
    "columns": {
        "session": "s", "user": "u", "item": "i", "operation": "o",
        "time": { "day": { "date": "d", "milliseconds": "ms" } }
    },
    "missing": ["NA"],
    "items": { "file": "items.csv", "name": "i", "attributes": { "category": "c" } }
}"#;
