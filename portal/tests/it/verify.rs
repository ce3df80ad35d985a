//! What a superuser does to the audit, whom no right binds, is found and named.

use aws_lc_rs::digest;
use portal::audit::{Adopted, Finding, PublicKey, Verified, verify};
use store::Client;
use store::Role;
use uuid::Uuid;
use vitals::Timestamp;

use crate::people::Patient;
use crate::site::Site;

/// A portal that answered, sealed, signed and stopped.
struct Kept {
    site: Site,
    key: PublicKey,
    /// Events in the order of their links.
    events: Vec<Uuid>,
    stream: Uuid,
}

impl Kept {
    async fn of(requests: u16) -> Self {
        let mut site = Site::open().await;
        let patient = Patient::admit(&site.database).await;
        patient.wears(&site.database, site.beds[0]).await;
        patient.is_cared_for_by(&site.database, &site.nurse).await;
        for second in 0..requests {
            let path =
                format!("/api/vitals?device=bed-01&from=2026-11-23T09:00:00Z&to=2026-11-23T09:00:{:02}Z", second + 1);
            assert_eq!(site.get(&path).await.status(), 200);
        }
        site.close().await;
        let db = site.database.pool().get().await.unwrap();
        let links = db.query("SELECT stream, event_id FROM audit_links ORDER BY seq", &[]).await.unwrap();
        let events: Vec<_> = links.iter().map(|link| link.get(1)).collect();
        assert_eq!(events.len(), usize::from(requests));
        let settings = site.settings();
        Self { key: settings.public_key().unwrap(), stream: links[0].get(0), events, site }
    }

    async fn db(&self) -> Client {
        let db = self.site.database.pool().get().await.unwrap();
        // No trigger, no foreign key: whoever owns the machine has this.
        db.batch_execute("SET session_replication_role = replica").await.unwrap();
        db
    }

    async fn verify(&self) -> Verified {
        let files = self.site.settings().files_of_heads();
        assert_eq!(files.len(), 1);
        // Far enough after the last event that all of them must be sealed.
        let now = self.site.clock.now().plus_millis(600_000);
        verify(&self.site.database.pool_of(Role::Audit), &self.key, &files, now).await.unwrap()
    }
}

#[tokio::test]
async fn what_nobody_touched_is_whole() {
    let kept = Kept::of(12).await;
    let seen = kept.verify().await;
    assert_eq!(seen.findings, []);
    assert_eq!((seen.streams, seen.links, seen.unsealed), (1, 12, 0));
    assert!(seen.heads >= 2, "in the database and in the file");
}

#[tokio::test]
async fn a_changed_byte_of_an_event_or_of_its_subjects_names_the_event() {
    for change in [
        "UPDATE audit_events SET detail_sealed = '\\x00' WHERE id = $1",
        "UPDATE audit_events SET user_id = gen_random_uuid() WHERE id = $1",
        "UPDATE audit_events SET at = at + interval '1 microsecond' WHERE id = $1",
        "UPDATE audit_events SET address = NULL WHERE id = $1",
        "UPDATE audit_events SET outcome = 'refused' WHERE id = $1",
        "UPDATE audit_events SET times = 2 WHERE id = $1",
        "UPDATE audit_events SET retention = 'billing' WHERE id = $1",
        "UPDATE audit_subjects SET patient_id = gen_random_uuid() WHERE event_id = $1",
        "DELETE FROM audit_subjects WHERE event_id = $1",
        "INSERT INTO audit_subjects (event_id, patient_id, at) VALUES ($1, gen_random_uuid(), now())",
    ] {
        let kept = Kept::of(5).await;
        assert_eq!(kept.db().await.execute(change, &[&kept.events[2]]).await.unwrap(), 1, "{change}");
        let expected = Finding::Changed { stream: kept.stream, seq: 3, event: kept.events[2] };
        assert_eq!(kept.verify().await.findings, [expected], "{change}");
    }
}

#[tokio::test]
async fn a_removed_event_is_named_with_and_without_its_link() {
    let kept = Kept::of(5).await;
    let (db, event) = (kept.db().await, kept.events[2]);
    db.execute("DELETE FROM audit_events WHERE id = $1", &[&event]).await.unwrap();
    db.execute("DELETE FROM audit_subjects WHERE event_id = $1", &[&event]).await.unwrap();
    assert_eq!(kept.verify().await.findings, [Finding::Removed { stream: kept.stream, seq: 3, event }]);
    db.execute("DELETE FROM audit_links WHERE event_id = $1", &[&event]).await.unwrap();
    assert_eq!(kept.verify().await.findings, [Finding::LinksRemoved { stream: kept.stream, first: 3, last: 3 }]);
    // And closed up: those behind it no longer follow.
    db.batch_execute(
        "UPDATE audit_links SET seq = seq + 1000 WHERE seq > 3; UPDATE audit_links SET seq = seq - 1001 WHERE seq > 1000",
    )
    .await
    .unwrap();
    let findings = kept.verify().await.findings;
    assert!(
        findings.contains(&Finding::Changed { stream: kept.stream, seq: 3, event: kept.events[3] }),
        "{findings:?}"
    );
    assert!(findings.contains(&Finding::LinksRemoved { stream: kept.stream, first: 5, last: 5 }), "{findings:?}");
}

#[tokio::test]
async fn two_events_in_each_others_place_are_named() {
    let kept = Kept::of(6).await;
    let swap = "UPDATE audit_links l SET event_id = o.event_id FROM audit_links o
        WHERE (l.seq = 2 AND o.seq = 5) OR (l.seq = 5 AND o.seq = 2)";
    let db = kept.db().await;
    db.batch_execute("ALTER TABLE audit_links DROP CONSTRAINT audit_links_event_key").await.unwrap();
    assert_eq!(db.execute(swap, &[]).await.unwrap(), 2);
    let moved = |seq, event: usize| Finding::Reordered { stream: kept.stream, seq, event: kept.events[event] };
    assert_eq!(kept.verify().await.findings, [moved(2, 4), moved(5, 1)]);
}

#[tokio::test]
async fn an_event_put_in_is_named_whether_it_stands_alone_or_has_a_link() {
    let kept = Kept::of(4).await;
    let (db, id) = (kept.db().await, Uuid::now_v7());
    let insert = "INSERT INTO audit_events (id, at, category, action, outcome, system_part)
        VALUES ($1, '2026-11-23T09:59:00Z', 'care', 'R', 'success', 'portal')";
    db.execute(insert, &[&id]).await.unwrap();
    assert_eq!(kept.verify().await.findings, [Finding::Inserted { event: id }]);
    // With a link of its own: it does not follow the one before.
    let link = "INSERT INTO audit_links (stream, seq, event_id, hash) VALUES ($1, 5, $2, sha256('made up'))";
    db.execute(link, &[&kept.stream, &id]).await.unwrap();
    assert_eq!(kept.verify().await.findings, [Finding::Changed { stream: kept.stream, seq: 5, event: id }]);
}

#[tokio::test]
async fn an_end_that_is_cut_off_is_told_by_the_signed_head() {
    let kept = Kept::of(6).await;
    let db = kept.db().await;
    db.batch_execute(
        "DELETE FROM audit_heads; DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_links WHERE seq > 4);
        DELETE FROM audit_subjects WHERE event_id NOT IN (SELECT id FROM audit_events);
        DELETE FROM audit_links WHERE seq > 4",
    )
    .await
    .unwrap();
    let findings = kept.verify().await.findings;
    assert!(findings.contains(&Finding::LinksRemoved { stream: kept.stream, first: 5, last: 6 }), "{findings:?}");
    assert!(matches!(&findings[0], Finding::HeadsRemoved { stream, .. } if *stream == kept.stream), "{findings:?}");
    // All of it, with the place where it began: only the file beside the database knows.
    db.batch_execute(
        "DELETE FROM audit_links; DELETE FROM audit_events; DELETE FROM audit_subjects; DELETE FROM audit_streams",
    )
    .await
    .unwrap();
    let findings = kept.verify().await.findings;
    assert!(matches!(&findings[..], [Finding::StreamRemoved { stream, .. }] if *stream == kept.stream), "{findings:?}");
}

#[tokio::test]
async fn a_chain_made_anew_is_told_by_its_head_and_a_head_made_anew_by_its_signature() {
    let kept = Kept::of(3).await;
    let db = kept.db().await;
    let head = "SELECT hash FROM audit_links WHERE seq = 3";
    let hash: Vec<u8> = db.query_one(head, &[]).await.unwrap().get(0);
    // As somebody would who knows how links are made: changed, and every link behind it made to follow.
    let forged = digest::digest(&digest::SHA256, &hash);
    db.execute("UPDATE audit_links SET hash = $1 WHERE seq = 3", &[&forged.as_ref()]).await.unwrap();
    let findings = kept.verify().await.findings;
    let told = |finding: &&Finding| matches!(finding, Finding::Rewritten { seq: 3, .. });
    assert_eq!(findings.iter().filter(told).count(), 1, "{findings:?}");
    db.execute("UPDATE audit_heads SET hash = $1 WHERE seq = 3", &[&forged.as_ref()]).await.unwrap();
    let findings = kept.verify().await.findings;
    assert!(
        findings
            .iter()
            .any(|finding| matches!(finding, Finding::Forged { seq: 3, told_by, .. } if told_by == "the database"))
    );
    assert!(findings.iter().any(
        |finding| matches!(finding, Finding::Rewritten { seq: 3, told_by, .. } if told_by.ends_with("heads.jsonl"))
    ));
}

#[tokio::test]
async fn a_stream_that_is_gone_is_told_by_the_one_after_it() {
    let kept = Kept::of(3).await;
    let again = kept.site.another_portal().await;
    let response = reqwest::Client::new()
        .get(format!("http://{}/api/alarms", again.address))
        .header("cookie", kept.site.nurse.cookie())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    again.close().await;
    assert_eq!(kept.verify().await.findings, []);
    assert_eq!(kept.verify().await.streams, 2);
    let db = kept.db().await;
    for table in ["audit_links", "audit_heads", "audit_streams"] {
        db.execute(&format!("DELETE FROM {table} WHERE stream = $1"), &[&kept.stream]).await.unwrap();
    }
    db.execute("DELETE FROM audit_events WHERE id = ANY ($1)", &[&kept.events]).await.unwrap();
    std::fs::remove_file(&kept.site.settings().files_of_heads()[0]).unwrap();
    let seen = verify(&kept.site.database.pool_of(Role::Audit), &kept.key, &[], Timestamp::default()).await.unwrap();
    assert!(
        seen.findings
            .iter()
            .any(|finding| matches!(finding, Finding::StreamRemoved { stream, .. } if *stream == kept.stream)),
        "{:?}",
        seen.findings
    );
}

/// What signs nothing in the table can be taken from it by nobody who leaves the rest.
#[tokio::test]
async fn heads_that_are_gone_are_named_by_the_file() {
    let kept = Kept::of(2).await;
    let removed = kept.db().await.execute("DELETE FROM audit_heads", &[]).await.unwrap();
    let heads = usize::try_from(removed).unwrap();
    assert_eq!(kept.verify().await.findings, [Finding::HeadsRemoved { stream: kept.stream, heads }]);
}

#[tokio::test]
async fn a_link_of_what_nobody_announced_is_named_and_its_mark_is_in_the_hash() {
    let kept = Kept::of(3).await;
    let db = kept.db().await;
    assert_eq!(kept.verify().await.adopted, []);
    db.execute("UPDATE audit_links SET adopted = true WHERE seq = 2", &[]).await.unwrap();
    let (stream, seq, event) = (kept.stream, 2, kept.events[1]);
    let seen = kept.verify().await;
    assert_eq!(seen.findings, [Finding::Changed { stream, seq, event }], "as little can one be taken away");
    assert_eq!(seen.adopted, [Adopted { stream, seq, event }]);
}

/// Signed by itself where it may read the key, else by the portal: either way it can no longer go unnoticed.
#[tokio::test]
async fn what_a_command_did_is_signed_with_and_without_its_help() {
    for helps in [true, false] {
        let kept = Kept::of(1).await;
        // Ids of one moment have no order.
        kept.site.hand.advance_ms(1_000);
        let (command, settings) = (crate::identity::staff::command(&kept.site), kept.site.settings());
        command.list().await.unwrap();
        command.close(helps.then_some(&settings)).await.unwrap();
        if !helps {
            kept.site.another_portal().await.close().await;
        }
        let db = kept.db().await;
        let newest = "SELECT stream, event_id FROM audit_links ORDER BY event_id DESC LIMIT 1";
        let row = db.query_one(newest, &[]).await.unwrap();
        let (stream, event): (Uuid, Uuid) = (row.get(0), row.get(1));
        assert_ne!(stream, kept.stream);
        assert_eq!(kept.verify().await.findings, []);
        for table in ["audit_heads", "audit_links", "audit_streams"] {
            db.execute(&format!("DELETE FROM {table} WHERE stream = $1"), &[&stream]).await.unwrap();
        }
        db.execute("DELETE FROM audit_events WHERE id = $1", &[&event]).await.unwrap();
        let findings = kept.verify().await.findings;
        let told = matches!(&findings[..], [Finding::StreamRemoved { stream: gone, .. }] if *gone == stream);
        assert!(told, "{helps}: {findings:?}");
    }
}
