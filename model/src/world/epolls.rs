//! The epolls of a world.

use crate::channel::{Epoll, Object};

use super::{DescriptionIndex, ObjectIndex, World};

impl World {
    /// Its epolls, each with its index.
    pub fn epolls(&self) -> impl Iterator<Item = (ObjectIndex, &Epoll)> {
        self.objects.iter().enumerate().skip(1).filter_map(|(index, object)| match object {
            Object::Epoll(epoll) => Some((index as ObjectIndex, &**epoll)),
            _ => None,
        })
    }

    /// Whether there are any.
    pub fn has_epolls(&self) -> bool {
        self.epolls().next().is_some()
    }

    /// An open file description is gone: no epoll watches it any more.
    pub(super) fn forget_watched(&mut self, index: DescriptionIndex) {
        for object in self.objects.iter_mut().skip(1) {
            if let Object::Epoll(epoll) = object {
                epoll.forget(|key| key.description == index);
            }
        }
    }
}
