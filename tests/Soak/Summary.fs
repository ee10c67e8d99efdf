/// What happened, in a few tables.
module Soak.Summary

open System
open Soak.Exporter
open Soak.Plan
open Soak.Resources
open Soak.Store

let private table (title: string) (rows: (string * int) list) =
    printfn "\n%s" title

    for name, count in rows do
        printfn "  %8s  %s" (count.ToString("N0", Globalization.CultureInfo.InvariantCulture)) name

let private counted (items: 'a seq) = items |> Seq.countBy id |> List.ofSeq

let results (notes: Note[]) =
    let kindOf (note: Note) =
        if note.IsExported then
            $"receipt, %s{note.Integrity}"
        else
            let perhaps = if note.MayBeStored then ", perhaps stored" else ""
            $"failure, %O{note.Kind}%s{perhaps}"

    notes |> Seq.map kindOf |> counted |> List.sort |> table "results"

    notes
    |> Seq.map (fun note ->
        let what = if note.IsExported then "receipt" else "failure"
        $"%s{what} after %d{note.Attempts}")
    |> counted
    |> List.sort
    |> table "attempts"

/// How many attempts the server saw of these items, and how many faults of each kind it made.
let faults (report: Report) (items: Item[]) =
    let puts =
        items
        |> Seq.collect (fun item ->
            match report.Puts.TryGetValue item.Key with
            | true, puts -> if item.IsTaken then List.tail puts else puts
            | _ -> [])
        |> List.ofSeq

    let struck = puts |> List.choose _.Fault
    struck |> counted |> List.sortByDescending snd |> table "faults"
    puts.Length, struck

let resources (baseline: Sample) (samples: Sample list) (final: Sample) (growth: float option) =
    let peak (of': Sample -> int64) = samples |> List.map of' |> List.max
    let mebibytes (bytes: int64) = $"%.1f{float bytes / 1048576.}"

    let row (name: string) (of': Sample -> int64) (show: int64 -> string) =
        printfn "  %-22s %10s %10s %10s" name (show (of' baseline)) (show (peak of')) (show (of' final))

    printfn "\n%-24s %10s %10s %10s" "resources" "before" "peak" "after"
    row "open handles" (fun sample -> int64 sample.Handles) string
    row "threads" (fun sample -> int64 sample.Threads) string
    row "managed heap, MiB" _.HeapBytes mebibytes
    row "resident memory, MiB" _.ResidentBytes mebibytes

    match growth with
    | Some growth -> printfn $"  the heap grew by %.0f{growth} bytes an artifact while the sinks lived"
    | None -> ()
