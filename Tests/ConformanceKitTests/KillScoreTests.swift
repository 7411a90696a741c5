import ConformanceKit
import Testing

@testable import turnstile

/// The suite is tested: a clause that catches nothing is worth nothing.
@Suite struct KillScore {
    @Test func `every planted bug is caught by the clause that owns it, and the adapter without it passes that clause`() async throws {
        let clauses = Dictionary(
            uniqueKeysWithValues: (BrokerConformance.clauses + ExchangeConformance.clauses).map { ($0.id, $0) })
        let subjects = allConformanceSubjects()
        let venues = try Dictionary(uniqueKeysWithValues: Set(PlantedBug.all.map(\.adapter)).map { id in
            (id, try #require(subjects.first { $0.id == id }).makeVenue())
        })
        let results = await withTaskGroup(of: (PlantedBug, ClauseResult?, ClauseResult?).self) { group in
            for bug in PlantedBug.all {
                guard let healthy = venues[bug.adapter] else { continue }
                group.addTask {
                    let clause = clauses[bug.owner]
                    return (bug, await clause?.check(ZooVenue(base: healthy, bug: bug)), await clause?.check(healthy))
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var killed = 0
        for (bug, sick, well) in results {
            let isCaught = sick?.isVerdict == true
            if isCaught { killed += 1 }
            #expect(isCaught, "\(bug): \(bug.owner) says \(String(describing: sick))")
            #expect(well?.isFailure == false, "without a bug \(bug.owner) says \(String(describing: well))")
        }
        print("kill score: \(killed)/\(PlantedBug.all.count)")
        #expect(PlantedBug.all.count >= 30)
        #expect(Set(PlantedBug.all.map(\.name)).count == PlantedBug.all.count)
    }
}
