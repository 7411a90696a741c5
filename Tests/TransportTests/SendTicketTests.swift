import BrokerContract
import Testing
import TradingModel

@testable import AdapterKit

/// The right to be written is used or taken back, never both.
@Suite struct SendTicketTests {
    @Test func `a ticket that was withdrawn never passes, and one that has passed is not withdrawn`() {
        let withdrawn = SendTicket(window: nil, clock: SystemClock())
        #expect(withdrawn.withdraw(.cancelled) == .withdrawn(.cancelled))
        #expect(!withdrawn.pass())
        let passed = SendTicket(window: nil, clock: SystemClock())
        #expect(passed.pass())
        #expect(passed.withdraw(.cancelled) == .passed)
    }
}
