//! The pages of the codes: those that lazuli gives, and those of Azure that it knows.

use lazuli_arm::{Remedy, known_codes};
use lazuli_core::diagnostic::Code;

/// What the binary tells by `lazuli explain LZ0001`.
pub fn of_lazuli() -> String {
    let mut page = String::from(
        "# Errors and warnings\n\nEvery code that lazuli gives to a mistake in a spec, generated from the code. \
         `lazuli explain LZ0001` prints the same. Codes of Azure are in [azure-codes.md](azure-codes.md).\n\n\
         | code | meaning |\n|---|---|\n",
    );
    for code in Code::ALL {
        let anchor = code.number().to_lowercase();
        page += &format!("| [{code}](#{anchor}) | {} |\n", code.summary());
    }
    page += "\nLZ0023, LZ0024, LZ0025, LZ0028 and LZ0029 need the answers of Azure, so `validate` cannot report them.\n\n";
    for code in Code::ALL {
        let (summary, explanation) = (code.summary(), code.explanation().to_markdown());
        page += &format!("## {code}\n\n**{summary}**\n\n{explanation}");
    }
    page.trim_end().to_owned() + "\n"
}

/// What the client knows of Azure's codes.
pub fn of_azure() -> String {
    let (entra, arm): (Vec<_>, Vec<_>) = known_codes()
        .into_iter()
        .partition(|known| known.code.starts_with("AADSTS"));
    let mut page = String::from(
        "# Codes of Azure\n\nThe codes that lazuli knows, generated from the code; `lazuli explain ScopeLocked` prints the same: what it does about each by itself, and \
         what it advises once that is an error. What Azure refuses is shown with Azure's innermost code and message, so a \
         code that is not here has its reason beside it. By symptoms: [troubleshooting.md](troubleshooting.md). Codes that \
         begin with LZ are lazuli's own: [errors.md](errors.md).\n\n## Azure Resource Manager\n\n\
         | code | what lazuli does by itself | what to do then |\n|---|---|---|\n",
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
    page += "\nWhatever the code: a 401 is answered once with a new token; throttling (429), failing services (500 and \
             above) and broken connections are tried again with growing waits, as long as `Retry-After` says or for a few \
             minutes. A code that ends in `InProgress` is waited for as well. These depend on the run, and are waited out only \
             where it has made what they are about, for as long as [grants.md](grants.md#what-is-waited-for) says: \
             `PrincipalNotFound`, `RoleDefinitionDoesNotExist`, and a 403 of what depends on a fresh grant.\n\n\
             ## Microsoft Entra\n\nThey come when lazuli logs in, in the text of the refusal.\n\n\
             | code | what to do |\n|---|---|\n";
    for known in entra {
        page += &format!("| `{}` | {} |\n", known.code, known.advice);
    }
    page
}
