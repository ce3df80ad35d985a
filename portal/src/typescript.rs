//! The browser's types, written from ours. `VIGIL_UPDATE=1 cargo test -p portal types_for_the_browser` rewrites them.

use std::fmt::Write;

use ts_rs::{Config, TS};

use vitals::{Priority, What};

use crate::alarms::{Alarm, Alarms, Kind, Side};
use crate::audit::{AuditEvent, AuditEvents};
use crate::devices::{Device, Devices, ParameterInfo, Parameters};
use crate::identity::wire::*;
use crate::live::protocol::{
    DeviceText, ErrorCode, FromClient, FromServer, Latest, LiveDevice, LiveNumber, OnDevice, Step, Token, Watch,
};
use crate::patients::{HumanName, Patient, PatientIdentifier};
use crate::permission::{Permission, Role};
use crate::transport::TransportView;
use crate::trends::{Series, Vitals};
use crate::web::Problem;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/web/src/api/types.gen.ts");

const PRIORITIES: [Priority; 3] = [Priority::High, Priority::Medium, Priority::Low];
const WHATS: [What; 3] = [What::Raised, What::Updated, What::Cleared];

macro_rules! declarations {
    ($($type:ty),+ $(,)?) => {{
        let config = Config::new().with_large_int("number");
        let mut out = String::from("// Written by the test types_for_the_browser_are_current from portal/src.\n");
        for (name, words) in [("Priority", PRIORITIES.map(Priority::word)), ("What", WHATS.map(What::word))] {
            write!(out, "\nexport type {name} = \"{}\";\n", words.join("\" | \"")).expect("a String takes everything");
        }
        $(write!(out, "\nexport {}\n", <$type>::decl(&config)).expect("a String takes everything");)+
        out
    }};
}

#[test]
fn types_for_the_browser_are_current() {
    let ours = declarations![
        Device,
        Devices,
        ParameterInfo,
        Parameters,
        Vitals,
        Series,
        Kind,
        Side,
        Alarm,
        Alarms,
        HumanName,
        PatientIdentifier,
        Patient,
        Problem,
        TransportView,
        AuditEvent,
        AuditEvents,
        Token,
        FromClient,
        Watch,
        Step,
        DeviceText,
        LiveNumber,
        Latest,
        LiveDevice,
        OnDevice,
        ErrorCode,
        FromServer,
        Permission,
        Role,
        SignedIn,
        SessionView,
        SignInBody,
        CodeBody,
        PinSignInBody,
        UnlockBody,
        OwnSession,
        SessionList,
        SeedShown,
        Codes,
        NewPassword,
        NewPin,
        Welcome,
        TokenBody,
        BeginBody,
        FinishBody,
        User,
        UserList,
        Invited,
        NewUser,
        Grant,
        GrantList,
        NewGrant,
        GlassReason,
        BreakGlass,
        GlassBroken,
        GlassAccess,
        GlassAccesses,
        GlassReview,
        GlassReviewBody,
        StationMode,
        StationPrivacy,
        StationView,
        StationList,
        CodeGiven,
        NewStation,
        PrivacyBody,
        EnrolBody,
    ];
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let update = std::env::var("VIGIL_UPDATE").is_ok_and(|value| value == "1");
    if update {
        let folder = std::path::Path::new(FILE).parent().expect("a file has a folder");
        std::fs::create_dir_all(folder).expect("the web sources are writable");
        std::fs::write(FILE, &ours).expect("the web sources are writable");
    }
    let theirs = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(theirs == ours, "{FILE} differs from the Rust types: run this test with VIGIL_UPDATE=1");
}
