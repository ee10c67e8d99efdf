/// Chance that can be repeated: what falls depends on the seed and on what is asked about, not on who comes first.
module Soak.Dice

open System
open System.Security.Cryptography
open System.Text

/// A generator of its own for each subject. The digest is there because those of `Random` that were seeded with
/// similar numbers begin alike.
let about (seed: int) (subject: string) =
    Random(BitConverter.ToInt32(SHA256.HashData(Encoding.UTF8.GetBytes $"%d{seed} %s{subject}"), 0))

/// One of several, each as often as its weight says.
let pick (random: Random) (weighted: (int * 'a) list) =
    let rec at left items =
        match items with
        | [ (_, last) ] -> last
        | (weight, item) :: rest -> if left < weight then item else at (left - weight) rest
        | [] -> invalidArg (nameof weighted) "There is nothing to pick from."

    at (random.Next(List.sumBy fst weighted)) weighted
