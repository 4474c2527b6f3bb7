/// Disjoint groups of points, joined two at a time: each point names one that stands before it in its
/// group, the first names itself.
pub(crate) struct Groups {
    before: Vec<usize>,
}

impl Groups {
    pub(crate) fn new(points: usize) -> Self {
        Self { before: (0..points).collect() }
    }

    /// The first point of the group of a point.
    pub(crate) fn first(&mut self, mut point: usize) -> usize {
        while self.before[point] != point {
            self.before[point] = self.before[self.before[point]];
            point = self.before[point];
        }
        point
    }

    pub(crate) fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.first(left), self.first(right));
        self.before[left.max(right)] = left.min(right);
    }

    /// Those of more than one point: each ascending, in order of their first point.
    pub(crate) fn finish(mut self) -> Vec<Vec<usize>> {
        let points = self.before.len();
        let firsts: Vec<usize> = (0..points).map(|point| self.first(point)).collect();
        let mut groups = vec![Vec::new(); points];
        for (point, first) in firsts.into_iter().enumerate() {
            groups[first].push(point);
        }
        groups.into_iter().filter(|group| group.len() > 1).collect()
    }
}
