/* Conversations: what an agent does, whose context grows turn by turn while the server keeps it. */
#include "launch.h"

int sb_launch_check_turns(struct launch *l) {
    const struct sb_protocol *b = &l->config->bench;
    if (b->turns == SB_TURNS_OFF)
        return 0;
    size_t need =
        sb_talk_length(&l->prompts[0], (size_t)b->turns, b->n_predict, (size_t)b->turn_tokens);
    if (need <= (size_t)sb_launch_ctx(l))
        return 0;
    l->failure.invalid = true;
    l->failure.reason =
        sb_asprintf("%zu tokens of %d turns do not fit ctx %d", need, b->turns, sb_launch_ctx(l));
    return -1;
}

/* The turn at hand, recorded in the cell. 0 and its tokens, or -1. */
static int one_turn(struct launch *l, const struct sb_talk *talk, int turn, bool warmup,
                    struct sb_llama_reply *ret) {
    l->stopped |= sb_stops_seen(&l->start->stops);
    sb_launch_stage(l, SB_STAGE_TURNS, turn, l->config->bench.turns);
    sb_launch_before_run(l);
    if (sb_launch_complete(l, &talk->body, ret) < 0)
        return -1;
    struct sb_run run = sb_launch_to_run(l, (struct sb_at){.slots = 1}, warmup, ret);
    run.turn = turn;
    run.reason = sb_launch_doubt(l, &run, &talk->want, ret->truncated);
    if (!run.reason && (long long)ret->n_tokens != run.predicted_n)
        run.reason = sb_strdup("the server does not tell the tokens that it generated");
    run.valid = !run.reason;
    sb_launch_after_run(l, sb_cell_add_turn(l->cell, run));
    sb_launch_changed(l, SB_ENDED_RUN);
    return 0;
}

/* 0, or -1. Where the server does not say what it generated, nobody can go on. */
static int converse(struct launch *l, bool warmup, bool *ret_disturbed) {
    const struct sb_protocol *b = &l->config->bench;
    struct sb_talk talk;
    int rc = 0;
    *ret_disturbed = false;
    sb_talk_begin(&l->prompts[0], l->requests++, b->n_predict, &talk);
    for (int turn = 1; turn <= b->turns && rc == 0; turn++) {
        struct sb_llama_reply reply = {0};
        rc = one_turn(l, &talk, turn, warmup, &reply);
        *ret_disturbed |= rc == 0 && l->disturbed;
        size_t told = reply.n_tokens;
        if (told)
            sb_talk_go_on(&talk, reply.tokens, told, (size_t)b->turn_tokens);
        sb_llama_reply_release(&reply);
        if (!told)
            break;
    }
    sb_talk_release(&talk);
    return rc;
}

static int converse_until_answered(struct launch *l, bool warmup, bool *ret_disturbed) {
    for (int attempt = 1;; attempt++) {
        size_t before = l->cell->n_turns;
        if (converse(l, warmup, ret_disturbed) == 0)
            return 0;
        if (!sb_launch_may_ask_again(l, attempt, 1))
            return -1;
        sb_cell_drop_turns(l->cell, before);
    }
}

/* One conversation first that is not measured: its turns have shapes that no run had. */
int sb_launch_turns(struct launch *l) {
    const struct sb_protocol *b = &l->config->bench;
    bool disturbed;
    if (b->turns == SB_TURNS_OFF)
        return 0;
    if (b->warmup != 0 && converse_until_answered(l, true, &disturbed) < 0)
        return -1;
    for (int i = 0, again = 0; i < b->runs; i++) {
        if (!sb_launch_cool_down(l) || converse_until_answered(l, false, &disturbed) < 0)
            return -1;
        if (disturbed && ++again <= LAUNCH_MOST_DISTURBED)
            i--;
    }
    return 0;
}
