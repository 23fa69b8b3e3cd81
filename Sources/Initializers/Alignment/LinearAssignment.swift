/// The assignment problem: which worker does which task, each one of them, at the least total cost.
package enum LinearAssignment {
    /// The task of each worker, for costs `[worker][task]`, `count` of both; the sum of the costs is the least there is. Of several
    /// such assignments one is found that depends on the costs and their order alone.
    ///
    /// Workers join one after another, each by a shortest augmenting path over reduced costs, which potentials keep from being
    /// negative. Costs must be finite. Time: `count`³; memory: a few lists of `count`.
    ///
    /// Source: Kuhn, "The Hungarian method for the assignment problem", Naval Research Logistics Quarterly 2, 1955; shortest paths
    /// after Jonker, Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems",
    /// Computing 38, 1987, <https://doi.org/10.1007/BF02278710>, without their initialization.
    package static func minimize(_ costs: [Double], count: Int) -> [Int] {
        precondition(count >= 0 && costs.count == count * count, "\(costs.count) costs, expected \(count)²")
        precondition(costs.allSatisfy(\.isFinite), "a cost is infinite or not a number")
        var workerPotentials = [Double](repeating: 0, count: count)
        var taskPotentials = workerPotentials
        var workers = [Int?](repeating: nil, count: count)
        for newcomer in 0..<count {
            // The least reduced cost of a path from the newcomer to each task, and the task before it on that path.
            var distances = [Double](repeating: .infinity, count: count)
            var previous = [Int?](repeating: nil, count: count)
            var isReached = [Bool](repeating: false, count: count)
            var reached: [Int] = []
            var (worker, last, length) = (newcomer, Int?.none, 0.0)
            while true {
                var nearest: Int?
                for task in 0..<count where !isReached[task] {
                    let path = length + costs[worker * count + task] - workerPotentials[worker] - taskPotentials[task]
                    if path < distances[task] {
                        distances[task] = path
                        previous[task] = last
                    }
                    if nearest.map({ distances[task] < distances[$0] }) ?? true { nearest = task }
                }
                // There are as many tasks as workers, so one is left.
                let task = nearest!
                isReached[task] = true
                length = distances[task]
                last = task
                guard let busy = workers[task] else { break }
                reached.append(task)
                worker = busy
            }
            workerPotentials[newcomer] += length
            for task in reached {
                workerPotentials[workers[task]!] += length - distances[task]
                taskPotentials[task] -= length - distances[task]
            }
            // Along the path every worker moves on to the next task.
            var end = last!
            while let task = previous[end] {
                workers[end] = workers[task]
                end = task
            }
            workers[end] = newcomer
        }
        var tasks = [Int](repeating: 0, count: count)
        for (task, worker) in workers.enumerated() { tasks[worker!] = task }
        return tasks
    }
}
