//! The types of problems that only the API of flights answers with.

shared_kernel::problem_types! {
    FLIGHT_NOT_FOUND = 404, "flight-not-found", "Flight not found",
        "There is no flight with this id, or it was deleted.",
        "Check the id. If the flight was created a moment ago, send the Jetbridge-Position of that answer along.";
    NOT_ALL_BOARDED = 409, "not-all-boarded", "Not everybody has boarded",
        "The flight cannot leave the gate because somebody on its manifest has not boarded, or because nobody is on board.",
        "`missing` is the number of passengers who have not boarded, `passengers` names the first of them. Board or offload them, or board somebody if nobody is on board, then disembark again.";
    FLIGHT_DEPARTED = 409, "flight-departed", "Flight has departed",
        "The flight has left the gate already.",
        "What was asked for is only possible at the gate.";
    FLIGHT_NOT_DEPARTED = 409, "flight-not-departed", "Flight has not departed",
        "The flight is still at the gate, so it cannot land.",
        "Disembark the flight first.";
    FLIGHT_ARRIVED = 409, "flight-arrived", "Flight has arrived",
        "The flight has landed already.",
        "What was asked for is not possible after the landing.";
    FLIGHT_IN_THE_AIR = 409, "flight-in-the-air", "Flight is in the air",
        "The flight has left the gate and not landed yet, so it cannot be deleted.",
        "Land the flight first.";
}
