//! stub
use crate::{kind::Kind,node::Node,source::Span,diagnostic::Diagnostics};
pub(super) struct Shape;
impl Shape { pub(super) fn of(_:&'static dyn Kind)->Self{Shape} pub(super) fn check(&self,_:&Node,_:Span,_:&mut Diagnostics){} }
