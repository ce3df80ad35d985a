//! Everybody and everything of a demonstration: a ward, its staff, and a patient in most of its beds. All of them are made up.

mod bed;
mod made;
mod names;
mod staff;
mod ward;

use keys::Keyring;
use vitals::{Clock, Realm};

pub use crate::identity::command::Error;
pub use made::Made;

use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Caller, Desk, Part, Write};
use crate::identity::{Hasher, code_by_name};
use ward::Ward;

const REALM: Realm = Realm::Demo;

/// The screen that a ward looks at.
pub const WALL: &str = "central";

/// The host's own hand: it needs no session, is refused where anybody is real, and is audited as `demo`.
pub struct Demo {
    desk: Desk,
    clock: Clock,
    keyring: Keyring,
}

impl Demo {
    pub(crate) fn new(desk: Desk, clock: Clock, keyring: Keyring) -> Self {
        Self { desk, clock, keyring }
    }

    /// Makes what is not there, and tells each once it is there. Each person is made whole or not at all, so that what was
    /// broken off is finished by the next call.
    pub async fn seed(&self, mut tell: impl FnMut(Made)) -> Result<(), Error> {
        let ward = self.ward(&mut tell).await?;
        self.hire_staff(&ward, &mut tell).await?;
        self.fill_beds(&ward, &mut tell).await?;
        if !self.has_wall(&ward).await? {
            tell(self.code(&ward, WALL).await?);
        }
        Ok(())
    }

    /// A code for the station of this name; one that is not there is made in the ward.
    pub async fn station_code(&self, name: &str) -> Result<Made, Error> {
        if !(1..=100).contains(&name.trim().chars().count()) {
            return Err(Error::Refused("a station's name has 1 to 100 characters".to_owned()));
        }
        let ward = ward::find(self.write().await?.db()).await?;
        let ward = ward.ok_or_else(|| Error::Refused("there is no ward: `vigil demo seed` makes one".to_owned()))?;
        self.code(&ward, name.trim()).await
    }

    async fn ward(&self, tell: &mut impl FnMut(Made)) -> Result<Ward, Error> {
        let (write, now) = (self.write().await?, self.clock.now());
        if let Some(ward) = ward::find(write.db()).await? {
            return Ok(ward);
        }
        let ward = ward::make(write.db(), now).await?;
        write.commit(event(Category::Rights, Action::Create, Entity::one(EntityKind::Location, ward.unit))).await?;
        tell(Made::Ward { name: ward::UNIT, id: ward.unit });
        Ok(ward)
    }

    async fn hire_staff(&self, ward: &Ward, tell: &mut impl FnMut(Made)) -> Result<(), Error> {
        let (hasher, now) = (Hasher::new(), self.clock.now());
        for post in staff::STAFF {
            let write = self.write().await?;
            let hired = post.fill(&write, (&self.keyring, &hasher), ward, (REALM, now)).await?;
            let Some((user, password)) = hired else { continue };
            write.commit(event(Category::Rights, Action::Create, Entity::one(EntityKind::User, user.0))).await?;
            tell(Made::User { login: post.login, role: post.role.word(), password });
        }
        Ok(())
    }

    async fn fill_beds(&self, ward: &Ward, tell: &mut impl FnMut(Made)) -> Result<(), Error> {
        let beds = bed::without_place(self.write().await?.db()).await?;
        for bed in beds {
            let (write, now) = (self.write().await?, self.clock.now());
            let (filled, event) = bed.fill(&write, &self.keyring, ward, now).await?;
            write.commit(event).await?;
            tell(filled);
        }
        Ok(())
    }

    async fn has_wall(&self, ward: &Ward) -> Result<bool, Error> {
        Ok(ward::has_station(self.write().await?.db(), ward.unit, WALL).await?)
    }

    async fn code(&self, ward: &Ward, name: &str) -> Result<Made, Error> {
        let write = self.write().await?;
        let code = code_by_name(&write, REALM, (name, ward.unit), self.clock.now()).await?;
        let action = if code.made { Action::Create } else { Action::Update };
        write.commit(event(Category::Identity, action, Entity::one(EntityKind::Station, code.station.0))).await?;
        Ok(Made::Station { name: name.to_owned(), code: code.code, expires_at: code.expires_at })
    }

    async fn write(&self) -> Result<Write, Error> {
        let write = Write::begin(&Caller::system(&self.desk, Part::Demo), Purpose::Operations).await?;
        if store::realms::live(write.db()).await? {
            return Err(Error::LiveRealm);
        }
        Ok(write)
    }
}

fn event(category: Category, action: Action, entity: Entity) -> Event {
    Event::new(category, action, entity)
}
