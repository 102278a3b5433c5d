// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/*
 * Tightening: a proof, number by number, that rules are at least as strict as others.
 *
 * What decides a call is the first rule that holds, or what is said otherwise, in the old rules and
 * in the new ones. For each two of these, of which the new one is less strict, no call may come to
 * both. If one did, the conditions of both would hold, and no rule before them. That is what is to
 * be led to a contradiction. It is not found in every case where there is one: then the answer is
 * no, which is safe.
 */
#include "kernel.h"
#include "premise.h"
#include "rules.h"
#include "steps.h"
#include "table.h"
#include "tighten.h"
#include "verdict.h"

/* What one policy says of a number: rules, and what is so otherwise. */
struct side {
	const struct rules_step *first;
	const struct rules_step *end;
	const u16 *rules; /* by step, from @first on */
	struct secmap_saying otherwise;
};

/* From the first step of a rule to behind its last one; none: what is said otherwise. */
struct clause {
	const struct rules_step *first;
	const struct rules_step *end;
	struct secmap_saying says;
};

struct tighten {
	u32 abi;
	struct side from;
	struct side to;
	struct secmap_premises premises;
};

static struct side side_of(const struct secmap_rules *rules, struct secmap_where where)
{
	const struct rules_section *section = rules->sections[where.abi];
	struct secmap_verdict rest;
	struct side side = { 0 };

	if (!section) {
		side.otherwise =
			(struct secmap_saying){ rules->facts.foreign_action, SECMAP_RULE_FOREIGN };
		return side;
	}
	rest = rules_eval_rest(section, where.nr);
	side.otherwise = (struct secmap_saying){ rest.action, rest.rule };
	if (where.nr >= SECMAP_NR_MAX)
		return side;
	if (test_bit(where.nr, section->allow)) {
		side.otherwise = (struct secmap_saying){ SECCOMP_RET_ALLOW, SECMAP_RULE_ALLOW };
		return side;
	}
	side.first = section->steps + section->first[where.nr];
	side.end = section->steps + section->first[where.nr + 1];
	side.rules = section->rules + section->first[where.nr];
	if (side.first != side.end)
		side.otherwise =
			(struct secmap_saying){ section->default_action, SECMAP_RULE_DEFAULT };
	return side;
}

/* The clause that begins here; at the end, the last one. */
static struct clause clause_at(const struct side *side, const struct rules_step *step)
{
	if (step == side->end)
		return (struct clause){ step, step, side->otherwise };
	return (struct clause){ step,
				step + rules_step_left(step),
				{ step->action, side->rules[step - side->first] } };
}

static bool loosens(u32 was, u32 is)
{
	/* Nothing runs by TRACE here; by a supervisor it may. */
	if ((was & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE &&
	    (is & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
		return true;
	return secmap_verdict_stricter(was, is);
}

/* Return: false if they contradict each other. */
static bool suppose(struct tighten *tighten, const struct clause *clause)
{
	const struct rules_step *step;

	for (step = clause->first; step < clause->end; step++)
		if (!secmap_premises_add(&tighten->premises, step))
			return false;
	return true;
}

/*
 * Does a rule hold, by the premises? @open: the one condition of which that is not known, if all
 * others do.
 */
static bool rule_holds(struct tighten *tighten, const struct clause *rule,
		       const struct rules_step **open)
{
	const struct rules_step *step;

	*open = NULL;
	for (step = rule->first; step < rule->end; step++) {
		u32 said = secmap_premises_say(&tighten->premises, step);

		if (said & PREMISES_HOLDS)
			continue;
		if (said || *open) {
			*open = NULL;
			return false;
		}
		*open = step;
	}
	return !*open;
}

/*
 * No rule before this one holds: does that contradict the premises? Where one condition of such a
 * rule is left, it fails, and is a premise from then on: @more.
 */
static bool earlier_clash(struct tighten *tighten, const struct side *side,
			  const struct rules_step *before, bool *more)
{
	const struct rules_step *open, *step = side->first;

	while (step < before) {
		struct clause rule = clause_at(side, step);

		step = rule.end;
		if (rule_holds(tighten, &rule, &open))
			return true;
		if (!open)
			continue;
		if (tighten->premises.derived_count == PREMISES_DERIVED)
			continue;
		if (!secmap_premises_add_opposite(&tighten->premises, open))
			return true;
		*more = true;
	}
	return false;
}

/* Is it shown that no call comes to both, one more condition being given? */
static bool apart_given(struct tighten *tighten, const struct clause *was, const struct clause *is,
			const struct rules_step *given)
{
	struct secmap_premises *premises = &tighten->premises;
	bool more;

	secmap_premises_begin(premises, tighten->abi);
	if (!suppose(tighten, was) || !suppose(tighten, is))
		return true;
	if (given && !secmap_premises_add(premises, given))
		return true;
	do {
		more = false;
		if (secmap_premises_clash(premises) ||
		    earlier_clash(tighten, &tighten->from, was->first, &more) ||
		    earlier_clash(tighten, &tighten->to, is->first, &more))
			return true;
	} while (more);
	return false;
}

/* The same for each key of a table in which an argument of theirs is. */
static bool apart_by_keys(struct tighten *tighten, const struct clause *was,
			  const struct clause *is, const struct rules_step *in)
{
	struct rules_step given = { .mask = in->mask, .arg = in->arg };
	size_t cursor = 0;
	bool found;

	rules_step_lead(&given, true, 1);
	while (secmap_table_next(in->table, &cursor, &given.low, &found)) {
		if (!secmap_premises_look(&tighten->premises))
			return false;
		if (found && !(given.low & ~in->mask) && !apart_given(tighten, was, is, &given))
			return false;
	}
	return true;
}

static bool apart(struct tighten *tighten, const struct clause *was, const struct clause *is)
{
	const struct clause *clauses[] = { is, was };
	const struct rules_step *step;
	u32 i;

	if (apart_given(tighten, was, is, NULL))
		return true;
	for (i = 0; i < ARRAY_SIZE(clauses); i++)
		for (step = clauses[i]->first; step < clauses[i]->end; step++)
			if (step->kind != RULES_RANGE && rules_step_expects(step) &&
			    apart_by_keys(tighten, was, is, step))
				return true;
	return false;
}

static bool same_condition(struct tighten *tighten, const struct rules_step *one,
			   const struct rules_step *other)
{
	if (one->arg != other->arg || one->mask != other->mask ||
	    memcmp(one->next, other->next, sizeof(one->next)))
		return false;
	if (one->kind == RULES_RANGE)
		return other->kind == RULES_RANGE && one->low == other->low &&
		       one->span == other->span;
	return other->kind != RULES_RANGE &&
	       secmap_premises_same_keys(&tighten->premises, one->table, other->table);
}

/* The most frequent case, and quickly seen: the same conditions, and actions that are as strict. */
static bool same_conditions(struct tighten *tighten)
{
	const struct rules_step *was = tighten->from.first, *is = tighten->to.first;

	if (tighten->from.end - was != tighten->to.end - is ||
	    loosens(tighten->from.otherwise.action, tighten->to.otherwise.action))
		return false;
	for (; was < tighten->from.end; was++, is++)
		if (!secmap_premises_look(&tighten->premises) || loosens(was->action, is->action) ||
		    !same_condition(tighten, was, is))
			return false;
	return true;
}

/* Return: -EXDEV if a clause of the new rules is not shown to be as strict as this one. */
static int check_clause(struct tighten *tighten, const struct clause *was,
			struct secmap_looser *looser)
{
	const struct rules_step *step = tighten->to.first;
	struct clause is;

	do {
		is = clause_at(&tighten->to, step);
		if (loosens(was->says.action, is.says.action) && !apart(tighten, was, &is)) {
			looser->was = was->says;
			looser->is = is.says;
			looser->spent = !tighten->premises.budget;
			return -EXDEV;
		}
		step = is.end;
	} while (is.first != tighten->to.end);
	return 0;
}

static int check_number(struct tighten *tighten, const struct secmap_rules *from,
			const struct secmap_rules *to, struct secmap_looser *looser)
{
	const struct rules_step *step;
	struct clause was;
	int err;

	tighten->abi = looser->where.abi;
	tighten->from = side_of(from, looser->where);
	tighten->to = side_of(to, looser->where);
	if (same_conditions(tighten))
		return 0;
	step = tighten->from.first;
	do {
		cond_resched();
		was = clause_at(&tighten->from, step);
		err = check_clause(tighten, &was, looser);
		if (err)
			return err;
		step = was.end;
	} while (was.first != tighten->from.end);
	return 0;
}

/* Are there calls of this ABI with such a number, see secmap_where()? */
static bool is_number(struct secmap_where where)
{
	if (where.abi == SECMAP_ABI_X86_64)
		return where.nr < SECMAP_X32_BIT || where.nr == U32_MAX;
	return where.abi != SECMAP_ABI_X32 || where.nr < U32_MAX - SECMAP_X32_BIT;
}

/* Numbers that no rule names: where what is said of them changes. */
static int check_rest(struct tighten *tighten, const struct secmap_rules *from,
		      const struct secmap_rules *to, struct secmap_looser *looser)
{
	const struct rules_section *was = from->sections[looser->where.abi];
	const struct rules_section *is = to->sections[looser->where.abi];
	const u32 numbers[] = { SECMAP_NR_MAX, was ? was->newer_from : 0, is ? is->newer_from : 0,
				U32_MAX };
	int err = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(numbers) && !err; i++) {
		looser->where.nr = numbers[i];
		if (numbers[i] >= SECMAP_NR_MAX && is_number(looser->where))
			err = check_number(tighten, from, to, looser);
	}
	return err;
}

/**
 * secmap_tighten_check() - are rules at least as strict as others about every call?
 * @from: the others
 * @to: the rules
 * @looser: with -EXDEV: the first calls of which that is not shown
 *
 * Context: may sleep; looks at SECMAP_LIMIT_TIGHTEN conditions and keys at most.
 * Return: 0: they are; -EXDEV: it could not be shown; -ENOMEM.
 */
int secmap_tighten_check(const struct secmap_rules *from, const struct secmap_rules *to,
			 struct secmap_looser *looser)
{
	struct tighten *tighten = secmap_alloc(sizeof(*tighten));
	struct secmap_where *where = &looser->where;
	int err = 0;

	if (!tighten)
		return -ENOMEM;
	*looser = (struct secmap_looser){ 0 };
	tighten->premises.budget = SECMAP_LIMIT_TIGHTEN;
	for (where->abi = 0; where->abi < SECMAP_ABI_COUNT; where->abi++) {
		for (where->nr = 0; where->nr < SECMAP_NR_MAX; where->nr++) {
			err = check_number(tighten, from, to, looser);
			if (err)
				goto free;
		}
		err = check_rest(tighten, from, to, looser);
		if (err)
			goto free;
	}
	/* All other ABIs. */
	where->nr = 0;
	err = check_number(tighten, from, to, looser);
free:
	secmap_release(tighten);
	return err;
}

/* A saying in words, as seccomp(2) calls actions. */
struct words {
	char text[64];
};

static const char *action_name(u32 action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_KILL_PROCESS:
		return "KILL_PROCESS";
	case SECCOMP_RET_KILL_THREAD:
		return "KILL_THREAD";
	case SECCOMP_RET_TRAP:
		return "TRAP";
	case SECCOMP_RET_ERRNO:
		return "ERRNO";
	case SECCOMP_RET_USER_NOTIF:
		return "USER_NOTIF";
	case SECCOMP_RET_TRACE:
		return "TRACE";
	case SECCOMP_RET_LOG:
		return "LOG";
	default:
		return "ALLOW";
	}
}

static struct words words_of(const struct secmap_saying *saying)
{
	const char *name = action_name(saying->action);
	struct words words;

	switch (saying->rule) {
	case SECMAP_RULE_ALLOW:
		snprintf(words.text, sizeof(words.text), "%s by the bitmap", name);
		break;
	case SECMAP_RULE_DEFAULT:
		snprintf(words.text, sizeof(words.text), "%s by default_action", name);
		break;
	case SECMAP_RULE_NEWER:
		snprintf(words.text, sizeof(words.text), "%s by newer_action", name);
		break;
	case SECMAP_RULE_FOREIGN:
		snprintf(words.text, sizeof(words.text), "%s by foreign_action", name);
		break;
	default:
		snprintf(words.text, sizeof(words.text), "%s by rule %u", name, saying->rule);
	}
	return words;
}

/**
 * secmap_tighten_refuse() - say what secmap_tighten_check() has found
 * @looser: what it has found
 * @why: where the text goes; it begins with the ABI and the number
 *
 * Return: -EXDEV.
 */
int secmap_tighten_refuse(const struct secmap_looser *looser, struct secmap_why *why)
{
	static const char *const abis[] = { "x86_64", "x32", "i386" };
	struct words is = words_of(&looser->is), was = words_of(&looser->was);
	const char *may =
		looser->spent ? "too much to find out whether calls get" : "calls may get";

	if (looser->where.abi >= ARRAY_SIZE(abis))
		return secmap_refuse(why, -EXDEV, "other ABIs: %s %s that got %s", may, is.text,
				     was.text);
	return secmap_refuse(why, -EXDEV, "%s number %u: %s %s that got %s",
			     abis[looser->where.abi], looser->where.nr, may, is.text, was.text);
}
