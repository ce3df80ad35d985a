use serde_json::json;

use super::browser::Browser;
use super::staff::{Member, Office, PASSWORD, first_administrator};
use super::stations::enrolled;
use crate::site::Site;

/// Wrong ones until it is refused to look; how many were looked at.
async fn hammer(member: &Member, browser: &mut Browser) -> usize {
    for tried in 0..100 {
        let answer = member.password_in(browser, "wrong-wrong-wrong").await;
        if answer.status == 429 {
            assert_eq!(answer.code(), "throttled");
            assert!(answer.retry_after.unwrap().parse::<u64>().unwrap() > 0);
            return tried;
        }
        assert_eq!(answer.status, 401);
    }
    panic!("a hundred wrong ones were looked at")
}

#[tokio::test]
async fn wrong_ones_are_slowed_and_the_right_one_waits_with_them() {
    let site = Site::open().await;
    let anna = first_administrator(&site).await;
    let mut attacker = Browser::new(&site);
    assert_eq!(hammer(&anna, &mut attacker).await, 10);
    anna.password_in(&mut attacker, PASSWORD).await.refused(429, "throttled");
    site.hand.advance_ms(60_000);
    anna.password_in(&mut attacker, PASSWORD).await.ok();
}

#[tokio::test]
async fn nobody_keeps_a_colleague_out() {
    let mut office = Office::open().await;
    let mut wall = enrolled(&mut office, "wall-1").await;
    let site = &office.site;
    let mut attacker = Browser::new(site);
    let (mut own, mut bert) = (office.anna.browser.clone(), Browser::new(site));
    // In the browser where she has signed in, and on any station, she does not notice; nor does a colleague at that address.
    for (victim, browser) in [(&office.anna, &mut own), (&office.anna, &mut wall), (&office.bert, &mut bert)] {
        // At her own address, and as fast as it goes.
        hammer(&office.anna, &mut attacker).await;
        assert_eq!(victim.password_in(browser, PASSWORD).await.ok()["state"], "half");
        office.anna.password_in(&mut attacker, PASSWORD).await.refused(429, "throttled");
        let code = json!({"code": victim.code(site)});
        assert_eq!(browser.post("/api/session/factor", code).await.ok()["state"], "open");
    }
}

#[tokio::test]
async fn a_name_that_nobody_has_is_slowed_alike() {
    let site = Site::open().await;
    let anna = first_administrator(&site).await;
    let db = site.database.pool().get().await.unwrap();
    // As from somewhere where she never was.
    db.execute("DELETE FROM sign_in_places", &[]).await.unwrap();
    let mut attacker = Browser::new(&site);
    let mut answers = Vec::new();
    for login in [anna.login.as_str(), "nobody.here"] {
        let body = json!({"login": login, "password": "wrong-wrong-wrong"});
        let mut seen = Vec::new();
        for _ in 0..8 {
            let answer = attacker.post("/api/session", body.clone()).await;
            seen.push((answer.status, answer.retry_after));
        }
        answers.push(seen);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].iter().filter(|(status, _)| *status == 401).count(), 5);
}

#[tokio::test]
async fn wrong_codes_are_slowed_too() {
    let site = Site::open().await;
    let anna = first_administrator(&site).await;
    let mut attacker = Browser::new(&site);
    anna.password_in(&mut attacker, PASSWORD).await.ok();
    let mut looked_at = 0;
    loop {
        let answer = attacker.post("/api/session/factor", json!({"code": "000000"})).await;
        if answer.status == 429 {
            break;
        }
        answer.refused(401, "wrong_code");
        looked_at += 1;
        assert!(looked_at < 100);
    }
    assert_eq!(looked_at, 10);
    let mut own = anna.browser.clone();
    anna.signs_in(&site, &mut own).await;
}

/// Wrong ones for one account after another; how many were looked at.
async fn spray(accounts: &[&Member], browser: &mut Browser) -> usize {
    let each = (0..9).flat_map(|_| accounts);
    let mut tried = 0;
    for account in each {
        let answer = account.password_in(browser, "wrong-wrong-wrong").await;
        if answer.status == 429 {
            return tried;
        }
        assert_eq!(answer.status, 401);
        tried += 1;
    }
    panic!("{tried} wrong ones of {} accounts were looked at", accounts.len())
}

#[tokio::test]
async fn one_account_after_another_is_slowed_where_all_of_them_are_known() {
    let mut office = Office::open().await;
    let mut staff = Vec::new();
    for number in 0..4 {
        staff.push(office.hire(&format!("nurse.{number}"), "nurse").await);
    }
    let accounts: Vec<_> = staff.iter().collect();
    let mut wall = enrolled(&mut office, "wall-1").await;
    // At the address of all, and at a station: each account alone is known there, and has ten.
    let mut attacker = Browser::new(&office.site);
    assert_eq!(spray(&accounts, &mut attacker).await, 30);
    assert_eq!(spray(&accounts, &mut wall).await, 30);
    // Whoever comes with his own browser does not notice.
    let mut own = staff[0].browser.clone();
    own.post("/api/session", json!({"login": staff[0].login, "password": PASSWORD})).await.ok();
}

#[tokio::test]
async fn a_station_where_many_were_tried_slows_also_whoever_was_not() {
    let mut office = Office::open().await;
    let mut staff = Vec::new();
    for number in 0..4 {
        staff.push(office.hire(&format!("nurse.{number}"), "nurse").await);
    }
    let accounts: Vec<_> = staff.iter().collect();
    let (mut wall, mut other) = (enrolled(&mut office, "wall-1").await, enrolled(&mut office, "wall-2").await);
    assert_eq!(spray(&accounts, &mut wall).await, 30);
    // Of her own nothing was ever tried here.
    let refused = office.anna.password_in(&mut wall, PASSWORD).await;
    assert_eq!(refused.retry_after.as_deref(), Some("2"));
    refused.refused(429, "throttled");
    office.anna.password_in(&mut other, PASSWORD).await.ok();
    office.site.hand.advance_ms(30_000);
    office.anna.password_in(&mut wall, PASSWORD).await.ok();
    // She paid for herself and for none of the others.
    staff[0].password_in(&mut wall, "wrong-wrong-wrong").await.refused(401, "wrong_credentials");
    office.anna.password_in(&mut wall, PASSWORD).await.refused(429, "throttled");
    office.site.hand.advance_ms(30_000);
    office.anna.password_in(&mut wall, PASSWORD).await.ok();
}
