import AdapterKit
import TestSupport
import Testing
import TradingModel

@Suite struct VenueClockTests {
    @Test func `a measurement that was slow is made again soon, a quick one only when it is old`() {
        let clock = ManualClock()
        let time = VenueClock(clock: clock)
        #expect(time.now == nil && time.needsMeasuring(after: .seconds(600)))
        let start = clock.monotonic
        clock.advance(by: .seconds(2))
        time.add(venueTime: clock.wallTime, sentAt: start, receivedAt: clock.monotonic)
        #expect(!time.needsMeasuring(after: .seconds(600)))
        clock.advance(by: .seconds(1))
        #expect(time.needsMeasuring(after: .seconds(600)))
        time.add(venueTime: clock.wallTime, sentAt: clock.monotonic, receivedAt: clock.monotonic)
        #expect(time.offset == .zero)
        clock.advance(by: .seconds(599))
        #expect(!time.needsMeasuring(after: .seconds(600)))
        time.doubt()
        #expect(time.needsMeasuring(after: .seconds(600)))
    }
}
