//! Reads of resources and lists: only a document of Azure Resource Manager counts as a response.

use azure_core::http::{Method, Url};

use crate::{
    client::{Client, Content, pause_before_retry},
    error::{ArmError, has_arm_id},
    request::ArmResponse,
    retry::RetrySchedule,
    wait::OnWait,
};

impl Client {
    /// Sends a GET of a resource or of a page of a list until Azure returns a document. Any other success, such as status
    /// 204 or the page of a proxy, shows neither that something exists nor that it does not: it is transient.
    ///
    /// # Errors
    ///
    /// An error response, and a protocol error if no response has a document.
    pub(crate) async fn read(
        &self,
        url: &Url,
        path: &str,
        on_wait: &OnWait<'_>,
    ) -> Result<ArmResponse, ArmError> {
        let mut schedule = RetrySchedule::new(self.options());
        loop {
            let response = self
                .send(Method::Get, url, path, Content::default(), on_wait)
                .await?;
            if response.has_document() && has_arm_id(&response.headers) {
                return Ok(response);
            }
            let error = ArmError::without_document(path, &response);
            pause_before_retry(&mut schedule, Method::Get, error, on_wait).await?;
        }
    }

    /// [`Client::read`], with `None` for what does not exist.
    pub(crate) async fn read_existing(
        &self,
        url: &Url,
        path: &str,
        on_wait: &OnWait<'_>,
    ) -> Result<Option<ArmResponse>, ArmError> {
        match self.read(url, path, on_wait).await {
            Ok(response) => Ok(Some(response)),
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
