use std::collections::VecDeque;

/// One message that waits for its PUBACK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) payload: Vec<u8>,
    pub(crate) frames: u64,
    /// Has been on the wire, on this connection or an earlier one.
    pub(crate) sent: bool,
}

/// Store and forward: in order, kept until acknowledged, over any number of connections.
#[derive(Debug)]
pub(crate) struct Outbox {
    messages: VecDeque<Message>,
    /// The first so many of `messages` are with the present connection.
    handed: usize,
    next_id: u64,
    frames: u64,
    /// Frames kept; past it the oldest message goes.
    keep: u64,
}

impl Outbox {
    pub(crate) fn new(keep: usize) -> Self {
        Self { messages: VecDeque::new(), handed: 0, next_id: 0, frames: 0, keep: keep as u64 }
    }

    /// Returns how many frames were lost to make room.
    pub(crate) fn push(&mut self, payload: Vec<u8>, frames: u64) -> u64 {
        let mut lost = 0;
        while self.frames + frames > self.keep {
            let Some(oldest) = self.messages.pop_front() else { break };
            self.handed = self.handed.saturating_sub(1);
            self.frames -= oldest.frames;
            lost += oldest.frames;
        }
        self.messages.push_back(Message { id: self.next_id, payload, frames, sent: false });
        self.next_id += 1;
        self.frames += frames;
        lost
    }

    /// The oldest message that is not with the connection, which from now on has it.
    pub(crate) fn hand_over(&mut self) -> Option<&Message> {
        let message = self.messages.get(self.handed)?;
        self.handed += 1;
        Some(message)
    }

    /// Forgets the message. None when it was given up before its acknowledgement came.
    pub(crate) fn acknowledge(&mut self, id: u64) -> Option<Message> {
        let index = self.find(id)?;
        if index < self.handed {
            self.handed -= 1;
        }
        let message = self.messages.remove(index)?;
        self.frames -= message.frames;
        Some(message)
    }

    /// The message is on the wire. Returns it as it was before: `sent` tells whether this is a repetition.
    pub(crate) fn sent(&mut self, id: u64) -> Option<Message> {
        let index = self.find(id)?;
        let message = &mut self.messages[index];
        let before = Message { payload: Vec::new(), ..*message };
        message.sent = true;
        Some(before)
    }

    /// The connection is gone: what it had is to be handed over again, first.
    pub(crate) fn connection_lost(&mut self) {
        self.handed = 0;
    }

    fn find(&self, id: u64) -> Option<usize> {
        self.messages.binary_search_by_key(&id, |message| message.id).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: u8, keep: usize) -> Outbox {
        let mut outbox = Outbox::new(keep);
        for byte in 0..count {
            outbox.push(vec![byte], 1);
        }
        outbox
    }

    fn hand_over_all(outbox: &mut Outbox) -> Vec<(u8, bool)> {
        std::iter::from_fn(|| outbox.hand_over().map(|message| (message.payload[0], message.sent))).collect()
    }

    #[test]
    fn what_was_not_acknowledged_is_sent_again_first_and_in_order() {
        let mut outbox = filled(4, 10);
        for expected in 0..3 {
            assert_eq!(outbox.hand_over().expect("a message").payload, [expected]);
            assert!(!outbox.sent(u64::from(expected)).expect("kept").sent);
        }
        assert!(outbox.acknowledge(1).is_some());
        outbox.connection_lost();
        assert_eq!(hand_over_all(&mut outbox), [(0, true), (2, true), (3, false)]);
        assert_eq!(outbox.frames, 3);
    }

    #[test]
    fn a_full_outbox_loses_the_oldest_and_says_so() {
        let mut outbox = filled(3, 3);
        outbox.hand_over();
        assert_eq!(outbox.push(vec![3], 2), 2);
        assert_eq!(hand_over_all(&mut outbox), [(2, false), (3, false)]);
        assert_eq!(outbox.acknowledge(0), None);
        assert_eq!(outbox.frames, 3);
    }

    #[test]
    fn a_message_larger_than_the_bound_still_goes_out() {
        let mut outbox = Outbox::new(2);
        assert_eq!(outbox.push(vec![1], 5), 0);
        assert_eq!(outbox.hand_over().expect("a message").frames, 5);
        assert!(outbox.acknowledge(0).is_some());
        assert!(outbox.is_empty());
    }
}
