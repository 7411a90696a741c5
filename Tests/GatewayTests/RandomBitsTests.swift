import Testing

@testable import Gateway

@Suite struct RandomBitsTests {
    @Test func `no number is given out twice, however many ask at once`() async {
        let bits = RandomBits()
        let numbers = await withTaskGroup { group in
            for _ in 0..<8 { group.addTask { (0..<1000).map { _ in bits.next() } } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        // 64 random bits: among 8,000 a repeat by chance has a probability below 1 in 10^11.
        #expect(Set(numbers).count == 8000)
    }

    @Test func `every bit is sometimes set and sometimes not`() {
        let bits = RandomBits()
        let numbers = (0..<256).map { _ in bits.next() }
        #expect(numbers.reduce(0, |) == .max)
        #expect(numbers.reduce(.max, &) == 0)
    }
}
