//! Tests of the message and position of each mistake in a document, a resource and a parameter.

use super::*;

#[test]
fn document_mistakes_have_a_message_and_a_position() {
    for (body, expected) in [
        (
            "color: red",
            "LZ0004 3:1 a document has no key `color` | use one of `apiVersion`, `stack`, `id`, `requires`, `subscription`, `location`, `resourceGroup`, `tags`, `ignoreTags`, `parameters`, `resources`",
        ),
        (
            "locaton: x",
            "LZ0004 3:1 a document has no key `locaton` | did you mean `location`?",
        ),
        (
            "location: 5",
            "LZ0006 3:11 `location` must be a string, not a number | put it in quotes",
        ),
        (
            "location: ${r.location}\nresources: { r: { kind: k } }",
            "LZ0020 3:11 `location` must be known before apply and cannot refer to a resource",
        ),
        (
            "id: short",
            "LZ0007 3:5 the stack id is not valid: use 8 to 64 letters, digits and hyphens, such as a GUID",
        ),
        (
            "requires: soon",
            "LZ0007 3:11 `requires` is not a valid requirement for versions of lazuli | use a comparison, such as `\">=0.2\"` or `\">=0.2, <1\"`",
        ),
        (
            "requires: '>=99'\ncolor: red",
            "LZ0026 3:11 the document requires lazuli >=99, and this is lazuli 0.1.0 | install lazuli >=99",
        ),
        (
            "subscription: prod",
            "LZ0007 3:15 `subscription` is not a valid subscription id | use a GUID, such as 00000000-0000-0000-0000-000000000000",
        ),
        (
            "subscription: ${env.SUB}",
            "LZ0012 3:15 the environment variable `SUB` is not set | set `SUB` before you run lazuli, or use a parameter with a default",
        ),
        (
            "tags: [a]",
            "LZ0006 3:7 `tags` must be a mapping, not a list",
        ),
        (
            "tags: { a: [b] }",
            "LZ0006 3:12 the tag `a` must be a string, a number or a boolean, not a list",
        ),
        (
            "resources: []",
            "LZ0006 3:12 `resources` must be a mapping, not a list",
        ),
        (
            "parameters: 5",
            "LZ0006 3:13 `parameters` must be a mapping, not a number",
        ),
        (
            "parameters:\n  1a: x",
            "LZ0007 4:3 `1a` is not a valid parameter name | use letters, digits, `_` and `-`, and start with a letter or `_`",
        ),
        (
            "parameters:\n  a: { defualt: x }",
            "LZ0011 4:3 the parameter `a` has no value | pass `--param a=VALUE`, or set `default`",
        ),
        (
            "parameters:\n  a: { default: x, alowed: [x] }",
            "LZ0004 4:20 a parameter has no key `alowed` | did you mean `allowed`?",
        ),
        (
            "parameters:\n  a: { default: x, type: text }",
            "LZ0007 4:26 the type of a parameter must be one of `string`, `number`, `boolean`, `list`, `map`",
        ),
        (
            "parameters:\n  a: { default: x, type: number }",
            "LZ0006 4:17 the default must be a number, not a string",
        ),
        (
            "parameters:\n  a: { default: 5, type: string }",
            "LZ0006 4:17 the default must be a string, not a number | put it in quotes",
        ),
        (
            "parameters:\n  a: { default: x, allowed: y }",
            "LZ0006 4:29 `allowed` must be a list, not a string",
        ),
        (
            "parameters:\n  a: { default: deb, allowed: [dev, prod] }",
            "LZ0007 4:17 the default must be one of `dev`, `prod` | did you mean `dev`?",
        ),
        (
            "parameters:\n  a:\n    type: string",
            "LZ0011 4:3 the parameter `a` has no value | pass `--param a=VALUE`, or set `default`",
        ),
        (
            "parameters:\n  a: b\n  c: ${params.a}",
            "LZ0013 5:6 the default of a parameter can only use `env.NAME`",
        ),
        (
            "parameters:\n  c: ${r.id}\nresources: { r: { kind: k } }",
            "LZ0013 4:6 `r.id` refers to a resource, which is not allowed here",
        ),
        (
            "parameters: { region: x }\nlocation: a-${params.regoin}",
            "LZ0011 4:13 the parameter `regoin` is not declared | did you mean `region`?",
        ),
        (
            "location: ${params.x}",
            "LZ0011 3:11 the parameter `x` is not declared | declare it: `parameters: { x: { type: string } }`",
        ),
        (
            "parameters: { l: [a] }\nlocation: x-${params.l}",
            "LZ0006 4:13 `params.l` is a list: only strings, numbers and booleans can be part of longer text",
        ),
        (
            "location: ${each.key}",
            "LZ0013 3:11 `each.key` is only valid in a resource with `forEach`",
        ),
    ] {
        let found = mistakes(body);
        assert!(found.contains(&expected.to_owned()), "{body}: {found:#?}");
        assert!(
            found.len() == 1 || body.contains("defualt"),
            "{body}: {found:#?}"
        );
    }
}

#[test]
fn resource_mistakes_have_a_message_and_a_position() {
    for (body, expected) in [
        (
            "a: 5",
            "LZ0006 4:6 the resource `a` must be a mapping, not a number",
        ),
        (
            "a:",
            "LZ0005 4:3 the resource `a` has no `kind` | add a kind, for example `kind: storageAccount`",
        ),
        (
            "a: { kind: 5 }",
            "LZ0006 4:14 `kind` must be a string, not a number | put it in quotes",
        ),
        (
            "a b: { kind: k }",
            "LZ0007 4:3 `a b` is not a valid resource name | use letters, digits, `_` and `-`, and start with a letter or `_`",
        ),
        (
            "env: { kind: k }",
            "LZ0007 4:3 `env` is not a valid resource name: the word is reserved for expressions",
        ),
        (
            "a: { kind: k, name: 12 }",
            "LZ0006 4:23 `name` must be a string, not a number | put it in quotes",
        ),
        (
            "a: { kind: k, existing: yes }",
            "LZ0006 4:27 `existing` must be true or false, not a string",
        ),
        (
            "a: { kind: k, protect: '${a.x}' }",
            "LZ0020 4:26 `protect` must be known before apply and cannot refer to a resource",
        ),
        (
            "a: { kind: k, ignore: [1] }",
            "LZ0006 4:26 an item of `ignore` must be a string, not a number | put it in quotes",
        ),
        (
            "a: { kind: k, onRemove: kep }",
            "LZ0007 4:27 `onRemove` must be one of `delete`, `keep` | did you mean `keep`?",
        ),
        (
            "a: { kind: k, ignore: ['x.rules[main].name', 'x.rules[].name'] }",
            "LZ0007 4:26 `ignore` cannot select single items of a list | write `x.rules[].name` for all items",
        ),
        (
            "a: { kind: k, dependsOn: [{}] }",
            "LZ0009 4:29 `dependsOn` must name resources of this stack",
        ),
        (
            "a: { kind: k, dependsOn: '${a.id}' }",
            "LZ0009 4:28 `dependsOn` must name resources of this stack",
        ),
        (
            "a: { kind: k, dependsOn: ab }\n  abc: { kind: k }",
            "LZ0009 4:28 the resource `ab` does not exist in this stack | did you mean `a`?",
        ),
        (
            "a: { kind: k, p: { q: ['x-${recrdings.id}'] } }\n  recordings: { kind: k }",
            "LZ0009 4:29 the resource `recrdings` does not exist in this stack | did you mean `recordings`?",
        ),
        (
            "a: { kind: k, p: '${var.region}' }",
            "LZ0009 4:21 the resource `var` does not exist in this stack | use `params.NAME` for a parameter and `env.NAME` for an environment variable",
        ),
        (
            "a: { kind: k, p: '${each.value}' }",
            "LZ0013 4:21 `each.value` is only valid in a resource with `forEach`",
        ),
        (
            "a: { kind: k, p: '${b[each.key]}' }\n  b: { kind: k, forEach: [x] }",
            "LZ0013 4:21 `each.key` is only valid in a resource with `forEach`",
        ),
        (
            "a: { kind: k, p: '${b}' }\n  b: { kind: k, forEach: [x, y] }",
            "LZ0009 4:21 a reference to `b` must name an instance because the resource has a `forEach` | write `b[x]`, or use one of `x`, `y`",
        ),
        (
            "a: { kind: k, p: '${b[yy]}' }\n  b: { kind: k, forEach: [xx, yz] }",
            "LZ0009 4:21 the resource `b` has no instance `yy` | did you mean `yz`?",
        ),
        (
            "a: { kind: k, p: '${b[x]}' }\n  b: { kind: k }",
            "LZ0009 4:21 the resource `b` has no instances because it has no `forEach` | write `b`",
        ),
        (
            "a: { kind: k, forEach: [x, x] }",
            "LZ0014 4:30 the key `x` occurs twice in this `forEach`",
        ),
        (
            "a: { kind: k, forEach: 5 }",
            "LZ0014 4:26 `forEach` must be a list or a mapping, not a number",
        ),
        (
            "a: { kind: k, forEach: [[1]] }",
            "LZ0014 4:27 an item of a `forEach` list must be a string, a number or a boolean, not a list | use a mapping: its keys name the instances, and its values can have any type",
        ),
        (
            "a: { kind: k, forEach: ['${b.id}'] }\n  b: { kind: k }",
            "LZ0014 4:27 an instance key must be known before apply | use a mapping: its keys name the instances, and its values can have any type",
        ),
        (
            "a: { kind: k, forEach: ['a]b'] }",
            "LZ0014 4:27 this value is not a valid instance key | use text without brackets, braces, quotes and `$`",
        ),
        (
            "a: { kind: k, forEach: ['${each.key}'] }",
            "LZ0013 4:28 `each.key` is only valid in a resource with `forEach`",
        ),
        (
            "a: { kind: k, forEach: { x: { size: 1 } }, p: '${each.value.siz}' }",
            "LZ0009 4:50 `each.value` has no property `siz` | did you mean `size`?",
        ),
        (
            "a: { kind: k, forEach: { x: '${nothing}' } }",
            "LZ0009 4:32 the resource `nothing` does not exist in this stack",
        ),
    ] {
        let found = mistakes(&format!("resources:\n  {body}"));
        assert_eq!(found, [expected], "{body}");
    }
}

#[test]
fn documents_require_a_supported_version_and_a_stack_name() {
    for (text, expected) in [
        (
            "stack: s",
            "LZ0005 1:1 the document has no `apiVersion` | write `apiVersion: lazuli/v1`",
        ),
        (
            "apiVersion: v1\nkind: Pod\nspec: {}",
            "LZ0026 2:1 this document is a Kubernetes manifest, not a lazuli spec | add `apiVersion: lazuli/v1`, or run `lazuli init` to create a spec",
        ),
        (
            "apiVersion: lazuli/v2\nother: x",
            "LZ0026 1:13 the document uses `lazuli/v2`, and lazuli 0.1.0 reads `lazuli/v1` | install a lazuli that reads `lazuli/v2`",
        ),
        (
            "apiVersion: lazuli/v2\nrequires: '>=0.9'",
            "LZ0026 2:11 the document requires lazuli >=0.9, and this is lazuli 0.1.0 | install lazuli >=0.9",
        ),
        (
            "apiVersion: lazuli/beta",
            "LZ0026 1:13 the `apiVersion` is not supported: use `lazuli/v1` | write `apiVersion: lazuli/v1`",
        ),
        (
            "apiVersion: lazuli/v1",
            "LZ0005 1:1 the document has no `stack` | add a name for the stack, for example `stack: cameras`",
        ),
        (
            "apiVersion: lazuli/v1\nstack: My App",
            "LZ0007 2:8 the stack name is not valid: use 1 to 63 lowercase letters, digits and hyphens",
        ),
        ("- a", "LZ0006 1:1 a document must be a mapping, not a list"),
        (
            "apiVersion: lazuli/v1\nstack: s\n---\napiVersion: lazuli/v1\nstack: s",
            "LZ0021 5:8 two documents have the stack name `s`",
        ),
    ] {
        assert_eq!(mistakes_with(text, &[]), [expected], "{text}");
    }
    let (sources, _, diagnostics) = load_with(&format!("{HEADER}---\n{HEADER}"), &[]);
    let related = &diagnostics.iter().next().unwrap().related[0];
    assert_eq!(sources.position(related.span).line, 2);
}

#[test]
fn parameter_values_are_validated() {
    let spec = format!(
        "{HEADER}parameters:\n  region: {{ default: eu, allowed: [eu, us] }}\n  count: 1\n"
    );
    for (name, value, expected) in [
        (
            "region",
            text("uss"),
            "LZ0007 4:3 the value of `region` from --param must be one of `eu`, `us` | did you mean `us`?",
        ),
        (
            "count",
            text("many"),
            "LZ0006 5:3 the value of `count` from --param must be a number",
        ),
        (
            "regoin",
            text("eu"),
            "LZ0027 the parameter `regoin` from --param is not declared in any document | did you mean `region`?",
        ),
    ] {
        assert_eq!(mistakes_with(&spec, &[(name, value)]), [expected]);
    }
}
