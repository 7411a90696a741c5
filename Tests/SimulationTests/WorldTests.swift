import Testing

@testable import SimulationKit

@Suite struct WorldTests {
    /// A campaign makes a hundred thousand worlds in one process, and a gateway that is kept alive by a circle among its own parts keeps its store.
    @Test func `nothing of a run outlives it`() {
        weak var world: World?
        weak var database: MemoryDatabase?
        do {
            let made = World(Plan(seed: 1))
            (world, database) = (made, made.database)
            #expect(made.run().steps > 0)
        }
        #expect(world == nil)
        #expect(database == nil)
    }
}
