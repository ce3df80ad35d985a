use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterIn};
use utoipa::openapi::{ContentBuilder, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{IntoParams, ToSchema};

type Schemas = Vec<(String, RefOr<Schema>)>;

/// What is served at one path, for `/openapi.json` and for the test that asks each.
pub(crate) struct Endpoint {
    pub(crate) path: &'static str,
    summary: &'static str,
    parameters: fn() -> Vec<Parameter>,
    /// Status and media type of the answer, and its schema by name if it is JSON of ours.
    status: &'static str,
    media: &'static str,
    answer: Option<fn(&mut Schemas) -> RefOr<Schema>>,
}

impl Endpoint {
    pub(crate) const fn get(path: &'static str, summary: &'static str) -> Self {
        Self { path, summary, parameters: Vec::new, status: "200", media: "application/json", answer: None }
    }

    #[must_use]
    pub(crate) const fn query<Q: IntoParams>(self) -> Self {
        Self { parameters: || Q::into_params(|| Some(ParameterIn::Query)), ..self }
    }

    #[must_use]
    pub(crate) const fn answers<T: ToSchema>(self) -> Self {
        Self { answer: Some(named::<T>), ..self }
    }

    #[must_use]
    pub(crate) const fn text(self) -> Self {
        Self { media: "text/plain", ..self }
    }

    #[must_use]
    pub(crate) const fn switches_protocol(self) -> Self {
        Self { status: "101", media: "", ..self }
    }

    pub(crate) fn operation(&self, schemas: &mut Schemas) -> Operation {
        let problem = named::<super::Problem>(schemas);
        let mut answer = ResponseBuilder::new().description(self.summary);
        if !self.media.is_empty() {
            let schema = self.answer.map(|schema| schema(schemas));
            answer = answer.content(self.media, ContentBuilder::new().schema(schema).build());
        }
        let refused: Response = ResponseBuilder::new()
            .description("Why not (RFC 9457)")
            .content("application/problem+json", ContentBuilder::new().schema(Some(problem)).build())
            .build();
        OperationBuilder::new()
            .summary(Some(self.summary))
            .parameters(Some((self.parameters)()))
            .response(self.status, answer.build())
            .response("default", refused)
            .build()
    }
}

/// Adds `T` and what it is made of to `schemas`, and refers to it.
fn named<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
    utoipa::openapi::Ref::from_schema_name(T::name()).into()
}
