//! The types of problems that only the API of passengers and manifests answers with.

shared_kernel::problem_types! {
    PASSENGER_NOT_FOUND = 404, "passenger-not-found", "Passenger not found",
        "There is no passenger with this id, or the passenger was removed together with the flight.",
        "Check the id. If the passenger was added a moment ago, send the Jetbridge-Position of that answer along.";
    MANIFEST_NOT_FOUND = 404, "manifest-not-found", "Manifest not found",
        "There is no flight with this id, or it was deleted, and nothing is known of its manifest.",
        "Check the flight id. If the flight was created a moment ago, send the Jetbridge-Position of that answer along.";
    MANIFEST_SEALED = 409, "manifest-sealed", "Manifest sealed",
        "The manifest was sealed for the flight's departure: nobody can be added to it, and nothing about its passengers can be changed any more.",
        "Nothing can be changed about who is on this departure. Somebody else who is to fly needs another flight.";
    MANIFEST_CLOSED = 409, "manifest-closed", "Manifest closed",
        "The flight has landed or was deleted, so its manifest cannot change any more.",
        "Use another flight.";
    PASSENGER_ALREADY_BOARDED = 409, "passenger-already-boarded", "Passenger has boarded already",
        "The passenger is on board already.",
        "Nothing needs to be done, unless another passenger was meant.";
    PASSENGER_OFFLOADED = 409, "passenger-offloaded", "Passenger was offloaded",
        "The passenger was taken off the flight.",
        "Add the passenger to the flight again, as long as its manifest is open.";
}
