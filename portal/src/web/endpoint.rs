use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{ContentBuilder, ObjectBuilder, RefOr, Required, Response, ResponseBuilder, Schema};
use utoipa::{IntoParams, ToSchema};

use crate::audit::Action;
use crate::permission::Permission;

type Schemas = Vec<(String, RefOr<Schema>)>;

/// What is served at one path, and to whom: for the route itself, for `/openapi.json`, and for the test that asks each.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    /// With `{name}` where a segment varies.
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    /// Lets in who was there a moment ago although nobody can be asked whether he still may.
    pub(crate) without_database: bool,
    /// Shows what lies before a screen: a station shows it whoever is identified there, and a locked session goes on with it.
    pub(crate) shows_a_place: bool,
    /// Only for who has proven himself again a moment ago.
    pub(crate) grave: bool,
    summary: &'static str,
    /// What of the request's head changes what is done.
    header: Option<&'static str>,
    parameters: fn() -> Vec<Parameter>,
    body: Option<fn(&mut Schemas) -> RefOr<Schema>>,
    /// Status and media type of the answer, and its schema by name if it is JSON of ours.
    status: &'static str,
    media: &'static str,
    answer: Option<fn(&mut Schemas) -> RefOr<Schema>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody. It tells nothing about a person, and leaves no event; what it does to a session it explains itself.
    Open,
    /// Whoever has given two factors and is not locked.
    SignedIn,
    Needs(Permission),
}

impl Method {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// As the audit has it, of what was not done.
    pub(crate) const fn action(self) -> Action {
        match self {
            Self::Get => Action::Read,
            Self::Post => Action::Create,
            Self::Put => Action::Update,
            Self::Delete => Action::Delete,
        }
    }

    pub(crate) const fn described(self) -> HttpMethod {
        match self {
            Self::Get => HttpMethod::Get,
            Self::Post => HttpMethod::Post,
            Self::Put => HttpMethod::Put,
            Self::Delete => HttpMethod::Delete,
        }
    }
}

impl Access {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::SignedIn => "signed_in",
            Self::Needs(permission) => permission.word(),
        }
    }
}

impl Endpoint {
    pub(crate) const fn get(path: &'static str, access: Access, summary: &'static str) -> Self {
        Self::new(Method::Get, path, access, summary)
    }

    pub(crate) const fn post(path: &'static str, access: Access, summary: &'static str) -> Self {
        Self::new(Method::Post, path, access, summary)
    }

    pub(crate) const fn put(path: &'static str, access: Access, summary: &'static str) -> Self {
        Self::new(Method::Put, path, access, summary)
    }

    pub(crate) const fn delete(path: &'static str, access: Access, summary: &'static str) -> Self {
        Self::new(Method::Delete, path, access, summary)
    }

    const fn new(method: Method, path: &'static str, access: Access, summary: &'static str) -> Self {
        Self {
            method,
            path,
            access,
            without_database: false,
            shows_a_place: false,
            grave: false,
            summary,
            header: None,
            parameters: Vec::new,
            body: None,
            status: "200",
            media: "application/json",
            answer: None,
        }
    }

    #[must_use]
    pub(crate) const fn query<Q: IntoParams>(self) -> Self {
        Self { parameters: || Q::into_params(|| Some(ParameterIn::Query)), ..self }
    }

    /// A JSON body.
    #[must_use]
    pub(crate) const fn takes<T: ToSchema>(self) -> Self {
        Self { body: Some(named::<T>), ..self }
    }

    #[must_use]
    pub(crate) const fn answers<T: ToSchema>(self) -> Self {
        Self { answer: Some(named::<T>), ..self }
    }

    /// Changes what is as the caller knows it, and nothing else (`If-Match`).
    #[must_use]
    pub(crate) const fn of_version(self) -> Self {
        Self { header: Some("If-Match"), ..self }
    }

    /// Asked for twice it is done once (`Idempotency-Key`).
    #[must_use]
    pub(crate) const fn once(self) -> Self {
        Self { header: Some("Idempotency-Key"), ..self }
    }

    #[must_use]
    pub(crate) const fn created(self) -> Self {
        Self { status: "201", ..self }
    }

    #[must_use]
    pub(crate) const fn no_content(self) -> Self {
        Self { status: "204", media: "", ..self }
    }

    #[must_use]
    pub(crate) const fn text(self) -> Self {
        Self { media: "text/plain", ..self }
    }

    #[must_use]
    pub(crate) const fn switches_protocol(self) -> Self {
        Self { status: "101", media: "", ..self }
    }

    #[must_use]
    pub(crate) const fn even_while_the_database_is_away(self) -> Self {
        Self { without_database: true, ..self }
    }

    #[must_use]
    pub(crate) const fn of_its_place(self) -> Self {
        Self { shows_a_place: true, ..self }
    }

    #[must_use]
    pub(crate) const fn grave(self) -> Self {
        Self { grave: true, ..self }
    }

    /// As the audit names it.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method.word(), self.path)
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
        let body = self.body.map(|schema| {
            let content = ContentBuilder::new().schema(Some(schema(schemas))).build();
            RequestBodyBuilder::new().content("application/json", content).build()
        });
        OperationBuilder::new()
            .summary(Some(self.summary))
            .parameters(Some(self.segments().chain((self.parameters)()).collect::<Vec<_>>()))
            .request_body(body)
            .response(self.status, answer.build())
            .response("default", refused)
            .extensions(Some(Extensions::from_iter([("x-access", self.access.word())])))
            .build()
    }

    /// The parts of the path that vary, and the header.
    fn segments(&self) -> impl Iterator<Item = Parameter> {
        let names = self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        names.map(|name| text(name, ParameterIn::Path)).chain(self.header.map(|name| text(name, ParameterIn::Header)))
    }
}

fn text(name: &str, place: ParameterIn) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    let text = ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String);
    Parameter::builder().name(name).parameter_in(place).required(required).schema(Some(text)).build()
}

/// Adds `T` and what it is made of to `schemas`, and refers to it.
fn named<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
    utoipa::openapi::Ref::from_schema_name(T::name()).into()
}
