//! The pages of error codes: those of lazuli, and the codes of Azure that lazuli handles.

use lazuli_arm::{Remedy, known_codes};
use lazuli_core::diagnostic::Code;

/// The page of the codes of lazuli, which `lazuli explain LZ0001` prints.
pub fn lazuli_page() -> String {
    let mut page = String::from(
        "# Errors and warnings\n\nThe codes of mistakes in specs and plans, generated from the source code. `lazuli explain LZ0001` prints \
         the same text. Azure's codes are on [Codes of Azure](azure-codes.md).\n\n\
         | code | meaning |\n|---|---|\n",
    );
    for code in Code::ALL {
        let anchor = code.number().to_lowercase();
        page += &format!("| [{code}](#{anchor}) | {} |\n", code.summary());
    }
    page += "\n`validate` cannot report LZ0023, LZ0024, LZ0025, LZ0028 and LZ0029 because they depend on live resources.\n\n";
    for code in Code::ALL {
        let (summary, explanation) = (code.summary(), code.explanation().to_markdown());
        page += &format!("## {code}\n\n**{summary}**\n\n{explanation}");
    }
    page.trim_end().to_owned() + "\n"
}

/// The page of the codes of Azure that the client handles.
pub fn azure_page() -> String {
    let (entra, arm): (Vec<_>, Vec<_>) = known_codes()
        .into_iter()
        .partition(|known| known.code.starts_with("AADSTS"));
    let mut page = String::from(
        "# Codes of Azure\n\nThe codes of Azure that lazuli handles, generated from the source code. `lazuli explain ScopeLocked` prints the \
         same text. For a code that is not on this page, lazuli prints Azure's innermost code and message. See also \
         [Troubleshooting](troubleshooting.md), and [Errors and warnings](errors.md) for the codes that start with LZ.\n\n\
         ## Azure Resource Manager\n\n| code | what lazuli does | what to do if it remains an error |\n|---|---|---|\n",
    );
    let mut rows: Vec<(Vec<&str>, Option<Remedy>, String)> = Vec::new();
    for known in arm {
        let is_row =
            |row: &&mut (_, Option<Remedy>, String)| row.1 == known.remedy && row.2 == known.advice;
        match rows.iter_mut().find(is_row) {
            Some((codes, _, _)) => codes.push(known.code),
            None => rows.push((vec![known.code], known.remedy, known.advice)),
        }
    }
    for (codes, remedy, advice) in rows {
        let remedy = remedy.map_or("", Remedy::describe);
        page += &format!("| `{}` | {remedy} | {advice} |\n", codes.join("`, `"));
    }
    page += "\nFor any code, lazuli renews the token once after a 401. It retries throttling (429), server errors (500 and above) \
             and broken connections with increasing delays, for as long as `Retry-After` says or for a few minutes. It waits \
             for codes that end in `InProgress`. `PrincipalNotFound`, `RoleDefinitionDoesNotExist` and a 403 that depends on a \
             recently created role assignment are retried only if the same run created the principal, role or assignment: see \
             [propagation delays](grants.md#propagation-delays).\n\n\
             ## Microsoft Entra\n\nThese codes occur in the message of a failed login.\n\n\
             | code | what to do |\n|---|---|\n";
    for known in entra {
        page += &format!("| `{}` | {} |\n", known.code, known.advice);
    }
    page
}
