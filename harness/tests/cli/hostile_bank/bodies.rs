//! Servers whose bodies are no JSON, more than JSON, or JSON beyond what a reader expects.

use super::behaviour::{REFUSAL, granting, refusing};
use super::{Server, server};

pub(super) fn servers() -> Vec<Server> {
    let failed = (1, "fail");
    // JSON that is right, and beyond what is read here.
    let beyond = (3, "indeterminate");
    // The second type says that there is no such workgroup.
    let without_workgroup = (2, "indeterminate");
    let wide = |encode: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{REFUSAL}").encode_utf16().flat_map(encode).collect()
    };
    let with_expiration = |number: &str| {
        granting(format!(
            r#"{{"dbUser":"u","dbPassword":"CANARYpw1","expiration":{number},"nextRefreshTime":{number}}}"#
        ))
    };
    vec![
        server("nothing-but-nulls", failed, granting(vec![0; 1000])),
        server("null-in-the-json", failed, refusing(b"{\"__type\":\"Val\0idation\",\"message\":\"a\0b\"}".to_vec())),
        server("null-in-a-message", failed, refusing(r#"{"__type":"ValidationException","message":"a\u0000b\u0000"}"#)),
        server(
            "bytes-of-no-text",
            failed,
            refusing(b"{\"__type\":\"ValidationException\",\"message\":\"\xff\xfe\xc0\x80\xed\xa0\x80\"}".to_vec()),
        ),
        server("byte-order-mark", failed, refusing(format!("\u{feff}{REFUSAL}"))),
        server("little-endian", failed, refusing(wide(u16::to_le_bytes))),
        server("big-endian", failed, refusing(wide(u16::to_be_bytes))),
        server(
            "half-a-surrogate",
            beyond,
            refusing(r#"{"__type":"ValidationException","message":"\ud800 and \udc00"}"#),
        ),
        server("lists-in-lists", beyond, granting("[".repeat(100_000) + &"]".repeat(100_000))),
        server("lists-without-an-end", failed, granting("[".repeat(500_000))),
        server("objects-in-objects", beyond, refusing(r#"{"a":"#.repeat(100_000) + "1" + &"}".repeat(100_000))),
        server(
            "as-deep-as-readers-go",
            failed,
            refusing(format!(
                r#"{{"__type":"ValidationException","message":"m","x":{}{}}}"#,
                "[".repeat(126),
                "]".repeat(126)
            )),
        ),
        server(
            "deeper-than-readers-go",
            beyond,
            refusing(format!(
                r#"{{"__type":"ValidationException","message":"m","x":{}{}}}"#,
                "[".repeat(130),
                "]".repeat(130)
            )),
        ),
        server("texts-in-texts", failed, {
            let text = |inner: String| serde_json::json!({ "a": inner }).to_string();
            let message = text(text(text("x".repeat(30_000))));
            refusing(serde_json::json!({ "__type": "ValidationException", "message": message }).to_string())
        }),
        server("a-number-of-a-hundred-thousand-digits", beyond, with_expiration(&"9".repeat(100_000))),
        server(
            "a-fraction-of-a-hundred-thousand-digits",
            failed,
            with_expiration(&format!("1.{}", "3".repeat(100_000))),
        ),
        server("beyond-floating-point", beyond, with_expiration("1e400")),
        server("at-the-end-of-floating-point", failed, with_expiration("1e308")),
        server("an-exponent-beyond-numbers", beyond, with_expiration("1e99999999999")),
        server("an-exponent-below-numbers", failed, with_expiration("-1e-99999999999")),
        server("the-largest-integer", failed, with_expiration("18446744073709551615")),
        server("the-smallest-integer", failed, with_expiration("-9223372036854775808")),
        server("minus-zero", failed, with_expiration("-0.0")),
        server("no-number", failed, with_expiration("NaN")),
        server(
            "members-twice",
            failed,
            granting(
                r#"{"dbUser":"u","dbUser":"v","dbPassword":"CANARYone","dbPassword":"CANARYtwo","expiration":1,"expiration":9999999999}"#,
            ),
        ),
        server(
            "type-twice",
            without_workgroup,
            refusing(
                r#"{"__type":"ValidationException","__type":"ResourceNotFoundException","message":"a","message":"b"}"#,
            ),
        ),
        server(
            "members-of-javascript",
            failed,
            refusing(r#"{"__type":"ValidationException","message":"m","__proto__":{"x":1},"constructor":1}"#),
        ),
        server("a-text-alone", failed, granting(r#""just text""#)),
        server("null-alone", failed, granting("null")),
        server("an-empty-body", failed, granting("")),
        server("json-and-more", failed, refusing(format!("{REFUSAL}garbage"))),
        server("json-twice", failed, refusing(REFUSAL.repeat(2))),
        server("json-with-a-comment", failed, refusing(format!("/*a*/{REFUSAL}"))),
    ]
}
