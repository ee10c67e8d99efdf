/// Each function takes the message last and puts it first into what it raises.
module Expecto.Expect

open System
open System.Text.RegularExpressions
open Expecto.Text

let private fail (message: string) (what: string) : 'a =
    raise (AssertException $"%s{message}. %s{what}")

let private both (actual: 'a) (expected: 'a) =
    $"\nexpected: %s{show expected}\n  actual: %s{show actual}"

let private at index (items: 'a[]) =
    if index < items.Length then show items[index] else "the end"

/// The place of the first difference, or None if there is none.
let private difference (actual: 'a[]) (expected: 'a[]) =
    let shared = min actual.Length expected.Length

    Seq.init shared id
    |> Seq.tryFind (fun i -> actual[i] <> expected[i])
    |> Option.orElse (if actual.Length = expected.Length then None else Some shared)

let private failAt message what index actual expected shown =
    fail
        message
        $"%s{what} at index %d{index}: expected %s{at index expected}, was %s{at index actual}.%s{shown}"

let equal (actual: 'a) (expected: 'a) (message: string) =
    if actual <> expected then
        match box actual, box expected with
        | (:? string as a), (:? string as e) ->
            let a, e = a.ToCharArray(), e.ToCharArray()
            failAt message "Strings differ" (difference a e).Value a e (both actual expected)
        | _ -> fail message $"Values differ.%s{both actual expected}"

let notEqual (actual: 'a) (expected: 'a) (message: string) =
    if actual = expected then
        fail message $"Expected anything but %s{show actual}."

let isTrue (actual: bool) (message: string) =
    if not actual then
        fail message "Expected true, was false."

let isFalse (actual: bool) (message: string) =
    if actual then
        fail message "Expected false, was true."

let wantSome (actual: 'a option) (message: string) =
    match actual with
    | Some value -> value
    | None -> fail message "Expected Some _, was None."

let isNone (actual: 'a option) (message: string) =
    match actual with
    | None -> ()
    | Some value -> fail message $"Expected None, was Some(%s{show value})."

let wantOk (actual: Result<'a, 'b>) (message: string) =
    match actual with
    | Ok value -> value
    | Error error -> fail message $"Expected Ok _, was Error(%s{show error})."

let isOk (actual: Result<'a, 'b>) (message: string) = wantOk actual message |> ignore

let wantError (actual: Result<'a, 'b>) (message: string) =
    match actual with
    | Error error -> error
    | Ok value -> fail message $"Expected Error _, was Ok(%s{show value})."

let isNull (actual: 'a when 'a: null) (message: string) =
    match actual with
    | null -> ()
    | value -> fail message $"Expected null, was %s{show value}."

let isNotNull (actual: 'a when 'a: null) (message: string) =
    match actual with
    | null -> fail message "Expected a value, was null."
    | _ -> ()

let isLessThan (a: 'a) (b: 'a) (message: string) =
    if not (a < b) then
        fail message $"Expected %s{show a} to be less than %s{show b}."

let isGreaterThan (a: 'a) (b: 'a) (message: string) =
    if not (a > b) then
        fail message $"Expected %s{show a} to be greater than %s{show b}."

let isEmpty (actual: 'a seq) (message: string) =
    if not (Seq.isEmpty actual) then
        fail message $"Expected nothing in it, was %s{show (List.ofSeq actual)}."

let contains (actual: 'a seq) (element: 'a) (message: string) =
    if not (Seq.contains element actual) then
        fail message $"Expected %s{show element} in it, was %s{show (List.ofSeq actual)}."

let exists (actual: 'a seq) (asserter: 'a -> bool) (message: string) =
    if not (Seq.exists asserter actual) then
        fail message $"None is so: %s{show (List.ofSeq actual)}."

let hasLength (actual: 'a seq) (expectedLength: int) (message: string) =
    let items = List.ofSeq actual

    if items.Length <> expectedLength then
        fail message $"Expected length %d{expectedLength}, was %d{items.Length}: %s{show items}."

let sequenceEqual (actual: 'a seq) (expected: 'a seq) (message: string) =
    let a, e = Array.ofSeq actual, Array.ofSeq expected

    match difference a e with
    | None -> ()
    | Some index -> failAt message "Sequences differ" index a e (both (List.ofArray a) (List.ofArray e))

let all (actual: 'a seq) (asserter: 'a -> bool) (message: string) =
    match actual |> Seq.indexed |> Seq.filter (snd >> asserter >> not) |> List.ofSeq with
    | [] -> ()
    | bad -> fail message $"Not so for these (index, element): %s{show bad}."

let stringContains (subject: string) (substring: string) (message: string) =
    if not (subject.Contains(substring, StringComparison.Ordinal)) then
        fail message $"Expected %s{show substring} in %s{show subject}."

let stringStarts (subject: string) (prefix: string) (message: string) =
    if not (subject.StartsWith(prefix, StringComparison.Ordinal)) then
        fail message $"Expected %s{show subject} to start with %s{show prefix}."

let stringEnds (subject: string) (suffix: string) (message: string) =
    if not (subject.EndsWith(suffix, StringComparison.Ordinal)) then
        fail message $"Expected %s{show subject} to end with %s{show suffix}."

let isMatch (actual: string) (pattern: string) (message: string) =
    if not (Regex.IsMatch(actual, pattern)) then
        fail message $"Expected %s{show actual} to match /%s{pattern}/."

let private thrown f =
    try
        f ()
        None
    with e ->
        Some e

/// The very type: a derived exception does not do.
[<RequiresExplicitTypeArguments>]
let throwsT<'texn when 'texn :> exn> (f: unit -> unit) (message: string) =
    match thrown f with
    | Some e when e.GetType() = typeof<'texn> -> ()
    | Some e -> fail message $"Expected %s{typeof<'texn>.FullName}, was %O{e}"
    | None -> fail message $"Expected %s{typeof<'texn>.FullName}, there was no exception."
