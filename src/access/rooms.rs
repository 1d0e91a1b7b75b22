//! The claim `rooms`, with which an app's own server says what its token opens.
//!
//! `{"todo/42": "write", "todo/*": "read"}` names rooms, exactly or by a beginning and a `*`. The most specific name
//! that fits counts: an exact one before beginnings, a longer beginning before a shorter one. Where that says anything
//! but `read`, `write` or `admin` there is no access: so `{"todo/*": "write", "todo/42": "none"}` leaves a room out.
//!
//! A server that writes names into it which people have chosen must write a `*` at their end as `%2A`:
//! `encodeURIComponent` leaves it as it is.

use super::{Access, Claims};

/// What the claim says about a room.
pub fn access(claims: &Claims, room: &str) -> Option<Access> {
    let rooms = claims.find("rooms")?.object()?;
    let fitting = rooms.iter().filter_map(|(name, access)| Some((specificity(name, room)?, access)));
    let (_, access) = fitting.max_by_key(|(specificity, _)| *specificity)?;
    access.text()?.parse().ok()
}

/// How closely a name in the claim fits a room; `None` where it does not.
fn specificity(name: &str, room: &str) -> Option<usize> {
    match name.strip_suffix('*') {
        Some(beginning) => room.starts_with(beginning).then_some(beginning.len()),
        None => (name == room).then_some(usize::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::access;
    use crate::access::Access::{self, Admin, Read, Write};
    use crate::access::Claims;

    fn granted(rooms: &str, room: &str) -> Option<Access> {
        access(&Claims::of(&format!(r#"{{"exp":1,"rooms":{rooms}}}"#)), room)
    }

    #[test]
    fn the_most_specific_name_counts_whatever_the_order() {
        for rooms in [
            r#"{"todo/42":"write","todo/4*":"admin","todo/*":"read","*":"write"}"#,
            r#"{"*":"write","todo/*":"read","todo/4*":"admin","todo/42":"write"}"#,
        ] {
            for (room, access) in [
                ("todo/42", Write),
                ("todo/421", Admin),
                ("todo/4", Admin),
                ("todo/5", Read),
                ("todo/", Read),
                ("todo", Write),
                ("%74odo/42", Write),
                ("", Write),
            ] {
                assert_eq!(granted(rooms, room), Some(access), "{room}");
            }
        }
    }

    #[test]
    fn a_name_is_compared_as_it_stands_in_the_url() {
        let rooms = r#"{"todo/42":"write","a%2Fb/*":"read","caf%C3%A9":"read","a*b":"read","{sub}/*":"read"}"#;
        for (room, access) in [
            ("todo/42", Some(Write)),
            ("todo/42/", None),
            ("todo/4", None),
            ("/todo/42", None),
            ("Todo/42", None),
            ("%74odo/42", None),
            ("todo%2F42", None),
            ("todo/42?", None),
            ("a%2Fb/c", Some(Read)),
            ("a%2fb/c", None),
            ("a/b/c", None),
            ("caf%C3%A9", Some(Read)),
            ("caf%c3%a9", None),
            ("a*b", Some(Read)),
            ("axb", None),
            ("{sub}/1", Some(Read)),
            ("ann/1", None),
        ] {
            assert_eq!(granted(rooms, room), access, "{room}");
        }
    }

    #[test]
    fn what_is_no_access_takes_a_room_out_of_a_wider_name() {
        for none in [r#""none""#, r#""Write""#, "null", "true", "1", r#"["write"]"#, "{}"] {
            let rooms = format!(r#"{{"todo/*":"write","todo/42":{none},"todo/secret/*":{none}}}"#);
            for (room, access) in [("todo/1", Some(Write)), ("todo/42", None), ("todo/secret/1", None)] {
                assert_eq!(granted(&rooms, room), access, "{none} {room}");
            }
        }
    }

    #[test]
    fn what_is_no_object_opens_nothing() {
        for rooms in ["{}", "null", r#""*""#, r#"["*","todo/42"]"#, r#"[{"*":"write"}]"#, "5"] {
            assert_eq!(granted(rooms, "todo/42"), None, "{rooms}");
        }
    }
}
