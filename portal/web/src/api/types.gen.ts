// Written by the test types_for_the_browser_are_current from portal/src.

export type Priority = "high" | "medium" | "low";

export type What = "raised" | "updated" | "cleared";

export type Device = { id: string, kind: "device" | "gateway" | "service", profile: "bedside" | "home", age_class: "adult" | "paediatric" | "neonatal", realm: "live" | "demo" | "test", connected: boolean, 
/**
 * By the server's clock; null when nothing came within the last week.
 */
last_received_at: string | null, enrolled_at: string, };

export type Devices = { devices: Array<Device>, };

export type ParameterInfo = { key: string, label: string, 
/**
 * UCUM.
 */
unit: string, 
/**
 * To show on a screen.
 */
decimals: number, loinc: string, 
/**
 * Reference identifier of IEEE 11073-10101.
 */
mdc: string, };

export type Parameters = { parameters: Array<ParameterInfo>, };

export type Vitals = { device: string, from: string, to: string, step_ms: number, 
/**
 * Start of each bucket, since 1970.
 */
times_ms: Array<number>, series: Array<Series>, };

export type Series = { parameter: string, 
/**
 * UCUM.
 */
unit: string, mean: Array<number | null>, min: Array<number | null>, max: Array<number | null>, count: Array<number>, };

export type Kind = "physiological" | "technical";

export type Side = "upper" | "lower";

export type Alarm = { id: string, 
/**
 * Null: the system about itself.
 */
device: string | null, 
/**
 * Stable name of the rule.
 */
code: string, kind: Kind, priority: Priority, parameter: string | null, bound: Side | null, limit: number | null, 
/**
 * The most extreme since the onset.
 */
value: number | null, 
/**
 * UCUM.
 */
unit: string | null, 
/**
 * What a banner says, such as `HR 134 > 120`.
 */
text: string, 
/**
 * Comes from a device that is enrolled for demonstration or test.
 */
simulated: boolean, onset_at: string, raised_at: string, ended_at: string | null, };

export type Alarms = { alarms: Array<Alarm>, 
/**
 * Hand it back as `cursor` for the next page; null on the last.
 */
next: string | null, };

export type HumanName = { prefix: string | null, 
/**
 * In their order; none is known of a newborn.
 */
given: Array<string>, family: string | null, suffix: string | null, };

export type PatientIdentifier = { 
/**
 * HL7 table 0203: `MR`, `SS`, …
 */
type: string, 
/**
 * Who gave it out.
 */
issuer: string, value: string, };

export type Patient = { id: string, 
/**
 * `provisional`: not identified yet; `merged`, `error`: goes on elsewhere, or was made by mistake.
 */
status: string, official: HumanName | null, 
/**
 * As he wants to be called, where that is another one.
 */
usual: HumanName | null, 
/**
 * ISO 8601, to the day, the month or the year, as far as it is known.
 */
birth_date: string | null, 
/**
 * ISO 8601; null: not that we know.
 */
deceased_at: string | null, 
/**
 * At birth: `female`, `male`, `other`, `unknown`.
 */
sex: string | null, 
/**
 * As the patient says, a word of the site's list.
 */
gender: string | null, 
/**
 * Those that are good today.
 */
identifiers: Array<PatientIdentifier>, version: number, };

export type Problem = { type: string, title: string, status: number, code: string, detail: string, };

export type TransportView = { transport: "plain" | "self_made" | "configured", };

export type AuditEvent = { id: string, at: string, realm: string | null, category: string, 
/**
 * C, R, U, D or E.
 */
action: string, 
/**
 * success, refused or failed
 */
outcome: string, user: string | null, 
/**
 * As colleagues read it.
 */
user_name: string | null, 
/**
 * By virtue of which the user might.
 */
role: string | null, session: string | null, station: string | null, 
/**
 * The part of Vigil that worked for itself.
 */
part: string | null, address: string | null, 
/**
 * TREAT, BTG, PAY or OPS
 */
purpose: string | null, endpoint: string | null, entity_kind: string | null, entity: string | null, entity_version: number | null, 
/**
 * Whom it is about.
 */
patients: string[], 
/**
 * Reasons, free text, search terms. Null as well where no key opens it any more.
 */
detail: string | null, 
/**
 * How many identical requests it stands for.
 */
times: number, correlation: string | null, };

export type AuditEvents = { events: Array<AuditEvent>, 
/**
 * Hand it back as `cursor` for the next page; null on the last.
 */
next: string | null, };

export type Token = { epoch: number, seq: number, };

export type FromClient = { "type": "watch" } & Watch;

export type Watch = { 
/**
 * Whose numbers to send; null for all. Alarms of every device come always.
 */
devices: Array<string> | null, resume?: Token | null, };

export type Step = { epoch: number, seq: number, what: What, alarm: Alarm, };

export type DeviceText = string;

export type LiveNumber = { 
/**
 * Null where the mark says that there is nothing to show.
 */
value: number | null, 
/**
 * What the device, or our ranges, say about its worth; null: nothing.
 */
mark: string | null, 
/**
 * By the device's clock.
 */
at_ms: number, received_at_ms: number, 
/**
 * When this was sent: the longer of the times since receipt and since the corrected event.
 */
age_ms: number, };

export type Latest = { device: string, received_at_ms: number, 
/**
 * Add it to the device's time to get the server's.
 */
offset_ms: number, values: { [parameter: string]: LiveNumber }, };

export type LiveDevice = { 
/**
 * Null: nobody, or the screen is to tell nothing of him: it is locked, or a station that shows no names.
 */
patient: OnDevice | null, id: string, kind: "device" | "gateway" | "service", profile: "bedside" | "home", age_class: "adult" | "paediatric" | "neonatal", realm: "live" | "demo" | "test", connected: boolean, 
/**
 * By the server's clock; null when nothing came within the last week.
 */
last_received_at: string | null, enrolled_at: string, };

export type OnDevice = { id: string, 
/**
 * By what this screen calls him; null: no name is known.
 */
label: string | null, };

export type ErrorCode = "malformed_message" | "too_many_devices";

export type FromServer = { "type": "hello", server_time_ms: number, epoch: number, seq: number, heartbeat_ms: number, } | { "type": "roster", devices: Array<LiveDevice>, } | { "type": "missed", alarms: Array<Step>, } | { "type": "snapshot", numbers: Array<Latest>, 
/**
 * All that are active now.
 */
alarms: Array<Alarm>, epoch: number, seq: number, 
/**
 * Transitions between the resume token and here could not be told one by one; `alarms` is the truth.
 */
resync: boolean, } | { "type": "numbers", numbers: Array<Latest>, } | { "type": "alarm" } & Step | { "type": "presence", device: DeviceText, connected: boolean, } | { "type": "heartbeat", server_time_ms: number, epoch: number, seq: number, } | { "type": "error", code: ErrorCode, detail: string, };

export type Permission = "read_vitals" | "read_chart" | "write_chart" | "answer_alarms" | "set_limits" | "assign_devices" | "manage_cover" | "break_glass" | "find_patients" | "register_patients" | "manage_appointments" | "manage_billing" | "manage_users" | "manage_grants" | "manage_stations" | "search_audit" | "export_audit" | "review_break_glass" | "read_devices" | "manage_devices";

export type Role = "nurse" | "charge_nurse" | "physician" | "scheduler" | "biller" | "administrator" | "auditor" | "privacy_officer" | "device_engineer";

export type SignedIn = { id: string, login: string, display_name: string, };

export type SessionView = { state: "none" | "half" | "open" | "locked", user: SignedIn | null, 
/**
 * Where this screen is enrolled.
 */
station: StationView | null, factors: Array<string>, roles: Array<Role>, permissions: Array<Permission>, locks_at: string | null, 
/**
 * Unless there is input.
 */
ends_at: string | null, stepped_up_until: string | null, };

export type SignInBody = { login: string, password: string, };

export type CodeBody = { code: string, };

export type PinSignInBody = { login: string, pin: string, };

export type UnlockBody = { pin?: string | null, password?: string | null, };

export type OwnSession = { id: string, started_at: string, last_input_at: string, 
/**
 * Unless there is input.
 */
ends_at: string, station_id: string | null, 
/**
 * From where it began.
 */
address: string | null, factors: Array<string>, 
/**
 * The one that asks.
 */
current: boolean, };

export type SessionList = { sessions: Array<OwnSession>, };

export type SeedShown = { 
/**
 * Base 32.
 */
secret: string, 
/**
 * `otpauth://`
 */
uri: string, };

export type Codes = { codes: Array<string>, };

export type NewPassword = { password: string, };

export type NewPin = { pin: string, };

export type Welcome = { purpose: "first_administrator" | "invitation", 
/**
 * Null: to be chosen.
 */
login: string | null, expires_at: string, };

export type TokenBody = { token: string, };

export type BeginBody = { token: string, password: string, 
/**
 * For a first administrator only.
 */
login?: string | null, display_name?: string | null, };

export type FinishBody = { token: string, code: string, };

export type User = { id: string, login: string, display_name: string, status: "invited" | "active" | "disabled", 
/**
 * Those that hold now.
 */
roles: Array<Role>, 
/**
 * Rises with every change; what `ETag` says and `If-Match` takes.
 */
version: number, };

export type UserList = { users: Array<User>, 
/**
 * Null: there are no more.
 */
next: string | null, };

export type Invited = { user: User, 
/**
 * For `/welcome#TOKEN`.
 */
token: string, expires_at: string, };

export type NewUser = { login: string, display_name: string, };

export type Grant = { id: string, user_id: string, role: Role, 
/**
 * Null: everywhere.
 */
location_id: string | null, from: string, until: string | null, 
/**
 * Null: the command line.
 */
granted_by: string | null, approved_by: string | null, state: "pending" | "active" | "ended", 
/**
 * Rises with every change; what `ETag` says and `If-Match` takes.
 */
version: number, };

export type GrantList = { grants: Array<Grant>, 
/**
 * Null: there are no more.
 */
next: string | null, };

export type NewGrant = { user_id: string, role: Role, location_id?: string | null, until?: string | null, };

export type GlassReason = "emergency" | "cover" | "transfer" | "consult" | "other";

export type BreakGlass = { patient_id: string, reason_code: GlassReason, 
/**
 * In one's own words: 1 to 500 characters.
 */
reason: string, };

export type GlassBroken = { id: string, patient_id: string, until: string, };

export type GlassAccess = { id: string, user_id: string, patient_id: string, from: string, until: string, reason_code: GlassReason, 
/**
 * Null where its key was destroyed.
 */
reason: string | null, due_at: string, overdue: boolean, reviewed_by: string | null, reviewed_at: string | null, review: "justified" | "unjustified" | null, };

export type GlassAccesses = { accesses: Array<GlassAccess>, 
/**
 * Null: there are no more.
 */
next: string | null, };

export type GlassReview = "justified" | "unjustified";

export type GlassReviewBody = { review: GlassReview, };

export type StationMode = "wall" | "desktop" | "phone";

export type StationPrivacy = "names" | "initials" | "none";

export type StationView = { id: string, name: string, mode: "wall" | "desktop" | "phone", location_id: string, 
/**
 * What it shows of a name while nobody has identified there.
 */
privacy: "names" | "initials" | "none", 
/**
 * Some screen holds its token.
 */
enrolled: boolean, expires_at: string | null, revoked: boolean, 
/**
 * Rises with every change; what `ETag` says and `If-Match` takes.
 */
version: number, };

export type StationList = { stations: Array<StationView>, };

export type CodeGiven = { station: StationView, code: string, code_expires_at: string, };

export type NewStation = { name: string, mode: StationMode, location_id: string, privacy: StationPrivacy, };

export type PrivacyBody = { privacy: StationPrivacy, };

export type EnrolBody = { code: string, };
