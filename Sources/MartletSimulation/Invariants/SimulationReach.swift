/// The situations that the simulation is made for. A number of runs that never meets one of them proves less than it
/// seems, so a summary names the situations that were not met.
package enum SimulationReach: String, Sendable, CaseIterable {
    case toolCall = "a tool call"
    case reasoning = "reasoning"
    case reasoningEnd = "reasoning that a command ended"
    case grammar = "an output of a grammar"
    case modelChange = "a generation that another model cannot continue"
    case repeatedFrame = "a frame that a dying worker repeated"
    case labelRace = "two running generations of a label"
    case forkOfChoices = "a fork of a generation with several choices"
    case refusal = "a request beyond a quota or a context"
    case eviction = "a generation that retention removed"
    case deletion = "a deletion"
    case handover = "a generation that was handed over"
    case commandAtHandover = "a command that a handover answered"
    case repetition = "a repeated command that had taken effect"
    case newerJournal = "a journal of a newer build"
    case powerLoss = "a loss of power"
    case secondSignal = "a second signal"
}
