//! Parser of the part of the query language of Azure Resource Graph that is simulated. It resolves columns, so that a
//! parsed query can be evaluated without errors.

use super::lexer::{Token, tokenize};
use super::query::{
    Column, ColumnKind, Comparison, Layout, Leg, Operand, OrderKey, Predicate, Query, QueryError,
    Source, Stage, TableName, table_columns,
};

/// Azure's maximum number of unions in a query (Microsoft docs "Understanding the Azure Resource Graph query language").
const MAX_UNIONS: usize = 3;
/// The maximum depth of parentheses.
const MAX_DEPTH: usize = 50;

/// Parses a query.
pub(super) fn parse(text: &str) -> Result<Query, QueryError> {
    let mut parser = Parser {
        tokens: tokenize(text)?,
        at: 0,
        unions: 0,
        depth: 0,
    };
    let query = parser.query()?;
    match parser.peek() {
        None => Ok(query),
        Some(_) => Err(parser.unexpected("'|' or the end of the query")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    unions: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn unexpected(&self, expected: &str) -> QueryError {
        let found = match self.peek() {
            Some(token) => format!("'{token}'"),
            None => "the end of the query".to_owned(),
        };
        QueryError(format!("Expected {expected}, found {found}."))
    }

    fn accepts(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), QueryError> {
        if self.accepts(symbol) {
            return Ok(());
        }
        Err(self.unexpected(&format!("'{symbol}'")))
    }

    fn accepts_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, expected: &str) -> Result<String, QueryError> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    fn text(&mut self) -> Result<String, QueryError> {
        match self.peek() {
            Some(Token::Text(text)) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.unexpected("a string")),
        }
    }

    /// Parses what is in parentheses with `inner`, up to the closing one.
    fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        if self.depth == MAX_DEPTH {
            return Err(QueryError("The query has too many parentheses.".to_owned()));
        }
        self.depth += 1;
        let parsed = inner(self)?;
        self.depth -= 1;
        self.expect(")")?;
        Ok(parsed)
    }

    fn query(&mut self) -> Result<Query, QueryError> {
        let mut query = self.table()?;
        while self.accepts("|") {
            let stage = self.stage(&mut query.columns)?;
            query.stages.push(stage);
        }
        Ok(query)
    }

    fn table(&mut self) -> Result<Query, QueryError> {
        let name = self.word("the name of a table")?;
        let table =
            TableName::parse(&name).ok_or_else(|| QueryError::not_simulated("table", &name))?;
        Ok(Query {
            table,
            stages: Vec::new(),
            columns: table_columns(),
        })
    }

    /// Parses a stage, and replaces the columns with those after it.
    fn stage(&mut self, columns: &mut Vec<Column>) -> Result<Stage, QueryError> {
        let name = self.word("an operator")?;
        match name.as_str() {
            "where" => Ok(Stage::Where(self.any(columns)?)),
            "project" => self.project(columns),
            "union" => self.union(columns),
            "order" | "sort" => self.order(columns),
            "limit" | "take" => match self.peek() {
                Some(Token::Number(number)) => {
                    let number = *number;
                    self.at += 1;
                    Ok(Stage::Limit(number))
                }
                _ => Err(self.unexpected("a number")),
            },
            "count" => {
                *columns = vec![Column {
                    name: "Count".to_owned(),
                    kind: ColumnKind::Dynamic,
                }];
                Ok(Stage::Count)
            }
            _ => Err(QueryError::not_simulated("operator", &name)),
        }
    }

    fn project(&mut self, columns: &mut Vec<Column>) -> Result<Stage, QueryError> {
        let (mut operands, mut projected) = (Vec::new(), Vec::<Column>::new());
        loop {
            let is_named = matches!(self.tokens.get(self.at + 1), Some(Token::Symbol(symbol)) if *symbol == "=");
            let name = if is_named {
                let name = self.word("a name")?;
                self.at += 1;
                Some(name)
            } else {
                None
            };
            let operand = self.operand(columns)?;
            let name = match (name, &operand) {
                (Some(name), _) => name,
                (None, Operand::Column { index, members }) => {
                    let column = columns.get(*index).map(|column| column.name.clone());
                    let parts = column.into_iter().chain(members.iter().cloned());
                    parts.collect::<Vec<_>>().join("_")
                }
                (None, _) => {
                    return Err(QueryError(
                        "A projected expression without a name is not simulated.".to_owned(),
                    ));
                }
            };
            if projected.iter().any(|column| column.name == name) {
                return Err(QueryError(format!(
                    "The column '{name}' is projected twice."
                )));
            }
            let kind = kind(&operand, columns);
            projected.push(Column { name, kind });
            operands.push(operand);
            if !self.accepts(",") {
                break;
            }
        }
        *columns = projected;
        Ok(Stage::Project(operands))
    }

    fn union(&mut self, columns: &mut Vec<Column>) -> Result<Stage, QueryError> {
        let mut queries = Vec::new();
        loop {
            self.unions += 1;
            if self.unions > MAX_UNIONS {
                return Err(QueryError(format!(
                    "The query has more than {MAX_UNIONS} unions."
                )));
            }
            queries.push(if self.accepts("(") {
                self.nested(Self::query)?
            } else {
                self.table()?
            });
            if !self.accepts(",") {
                break;
            }
        }
        let mut all = columns.clone();
        for column in queries.iter().flat_map(|query| &query.columns) {
            match all.iter().find(|known| known.name == column.name) {
                None => all.push(column.clone()),
                Some(known) if known.kind == column.kind => {}
                Some(_) => {
                    return Err(QueryError(format!(
                        "A union whose column '{}' has two types is not simulated.",
                        column.name
                    )));
                }
            }
        }
        let own = layout(&all, columns);
        let leg = |query: Query| Leg {
            layout: layout(&all, &query.columns),
            query,
        };
        let legs = queries.into_iter().map(leg).collect();
        *columns = all;
        Ok(Stage::Union { own, legs })
    }

    fn order(&mut self, columns: &[Column]) -> Result<Stage, QueryError> {
        if !self.accepts_word("by") {
            return Err(self.unexpected("'by'"));
        }
        let mut keys = Vec::new();
        loop {
            let name = self.word("a column")?;
            let column = find(columns, &name)?;
            let is_text = columns.get(column).map(|it| it.kind) == Some(ColumnKind::Text);
            if !is_text {
                return Err(QueryError::not_simulated("order by column", &name));
            }
            let is_descending = self.accepts_word("desc") || !self.accepts_word("asc");
            keys.push(OrderKey {
                column,
                is_descending,
            });
            if !self.accepts(",") {
                return Ok(Stage::Order(keys));
            }
        }
    }

    fn any(&mut self, columns: &[Column]) -> Result<Predicate, QueryError> {
        let mut parts = vec![self.all(columns)?];
        while self.accepts_word("or") {
            parts.push(self.all(columns)?);
        }
        Ok(Predicate::Any(parts))
    }

    fn all(&mut self, columns: &[Column]) -> Result<Predicate, QueryError> {
        let mut parts = vec![self.predicate(columns)?];
        while self.accepts_word("and") {
            parts.push(self.predicate(columns)?);
        }
        Ok(Predicate::All(parts))
    }

    fn predicate(&mut self, columns: &[Column]) -> Result<Predicate, QueryError> {
        if self.accepts("(") {
            return self.nested(|parser| parser.any(columns));
        }
        if self.accepts_word("not") {
            self.expect("(")?;
            let inner = self.nested(|parser| parser.any(columns))?;
            return Ok(Predicate::Not(Box::new(inner)));
        }
        if self.accepts_word("isnotempty") {
            self.expect("(")?;
            let operand = self.nested(|parser| parser.operand(columns))?;
            return Ok(Predicate::IsNotEmpty(operand));
        }
        let left = self.operand(columns)?;
        for ignores_case in [false, true] {
            if self.accepts_word(if ignores_case { "in~" } else { "in" }) {
                self.expect("(")?;
                let values = self.nested(Self::texts)?;
                return Ok(Predicate::OneOf {
                    operand: left,
                    values,
                    ignores_case,
                });
            }
        }
        let comparison = match self.peek() {
            Some(Token::Symbol("==")) => Comparison::Equal,
            Some(Token::Symbol("=~")) => Comparison::EqualIgnoringCase,
            Some(Token::Symbol("!=")) => Comparison::Different,
            Some(Token::Symbol("!~")) => Comparison::DifferentIgnoringCase,
            Some(Token::Word(word)) => match word.as_str() {
                "has" => Comparison::Has,
                "contains" => Comparison::Contains,
                "startswith" => Comparison::StartsWith,
                _ => return Err(QueryError::not_simulated("operator", word)),
            },
            _ => return Err(self.unexpected("a comparison")),
        };
        self.at += 1;
        let right = self.operand(columns)?;
        Ok(Predicate::Compare(left, comparison, right))
    }

    fn texts(&mut self) -> Result<Vec<String>, QueryError> {
        let mut texts = vec![self.text()?];
        while self.accepts(",") {
            texts.push(self.text()?);
        }
        Ok(texts)
    }

    fn operand(&mut self, columns: &[Column]) -> Result<Operand, QueryError> {
        if let Some(Token::Text(_)) = self.peek() {
            return Ok(Operand::Literal(self.text()?));
        }
        let name = self.word("a column or a string")?;
        if self.accepts("(") {
            let function = match name.as_str() {
                "tolower" => Operand::ToLower,
                "tostring" => Operand::ToText,
                _ => return Err(QueryError::not_simulated("function", &name)),
            };
            let inner = self.nested(|parser| parser.operand(columns))?;
            return Ok(function(Box::new(inner)));
        }
        let index = find(columns, &name)?;
        let mut members = Vec::new();
        loop {
            if self.accepts(".") {
                members.push(self.word("the name of a member")?);
            } else if self.accepts("[") {
                members.push(self.text()?);
                self.expect("]")?;
            } else {
                break;
            }
        }
        let is_text = columns.get(index).map(|it| it.kind) == Some(ColumnKind::Text);
        if is_text && !members.is_empty() {
            return Err(QueryError(format!("The column '{name}' has no members.")));
        }
        Ok(Operand::Column { index, members })
    }
}

/// The column with this name, which is case-sensitive.
fn find(columns: &[Column], name: &str) -> Result<usize, QueryError> {
    columns
        .iter()
        .position(|column| column.name == name)
        .ok_or_else(|| {
            QueryError(format!(
                "The column '{name}' does not exist or is not simulated."
            ))
        })
}

fn kind(operand: &Operand, columns: &[Column]) -> ColumnKind {
    match operand {
        Operand::Column { index, members } if members.is_empty() => columns
            .get(*index)
            .map_or(ColumnKind::Dynamic, |column| column.kind),
        Operand::Column { .. } => ColumnKind::Dynamic,
        Operand::Literal(_) | Operand::ToLower(_) | Operand::ToText(_) => ColumnKind::Text,
    }
}

/// Where a leg with these columns has all columns of a union.
fn layout(all: &[Column], columns: &[Column]) -> Layout {
    let source = |wanted: &Column| {
        let found = columns.iter().position(|column| column.name == wanted.name);
        found.map_or(Source::Absent(wanted.kind), Source::Column)
    };
    Layout(all.iter().map(source).collect())
}
